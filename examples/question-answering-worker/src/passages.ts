/** Cuts a text into passages: as many whole paragraphs as fit, so that each is about one thing and a model can read it whole. */

/** Characters. The model below reads 512 tokens, of some four characters each, and drops the rest. */
const LONGEST = 1_000;

export function passagesOf(text: string): string[] {
  const passages: string[] = [];
  let passage = '';
  for (const paragraph of text.split(/\n\s*\n/).flatMap(piecesOf)) {
    const joined = passage === '' ? paragraph : `${passage}\n\n${paragraph}`;
    if (joined.length <= LONGEST) {
      passage = joined;
      continue;
    }
    if (passage !== '') passages.push(passage);
    passage = paragraph;
  }
  return passage === '' ? passages : [...passages, passage];
}

/** A paragraph that is too long, cut between words, or within a word that is longer than a passage. */
function piecesOf(paragraph: string): string[] {
  const pieces = paragraph.match(new RegExp(`.{1,${LONGEST}}(?=\\s|$)|.{1,${LONGEST}}`, 'gsu')) ?? [];
  return pieces.map((piece) => piece.trim()).filter((piece) => piece !== '');
}
