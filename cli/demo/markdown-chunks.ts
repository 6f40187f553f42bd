/**
 * Cuts a Markdown page into chunks that can be read on their own: never across a heading, along blocks (paragraphs,
 * lists, tables, code) where they fit, along lines where a block is too long. Pure text in, pure text out.
 */

export interface Chunk {
  /** The headings above it, outermost first, joined by ` > `. */
  readonly heading: string;
  readonly text: string;
}

/** A chunk is closed where the next block would make it longer than this. */
const targetLength = 500;
/** A block longer than this is cut along its lines. */
const lengthMax = 900;

export function chunkMarkdown(page: string): readonly Chunk[] {
  return sectionsOf(page).flatMap(({ heading, lines }) =>
    packed(blocksOf(lines)).map((text) => ({ heading, text })),
  );
}

interface Section {
  readonly heading: string;
  readonly lines: string[];
}

interface Line {
  readonly text: string;
  /** Inside a code block, its fences included. */
  readonly code: boolean;
}

function linesOf(page: string): Line[] {
  let fence = '';
  return page.split(/\r?\n/).map((text) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(text)?.[1];
    if (fence === '') {
      fence = mark ?? '';
      return { text, code: mark !== undefined };
    }
    if (mark?.startsWith(fence)) fence = '';
    return { text, code: true };
  });
}

function sectionsOf(page: string): Section[] {
  const path: string[] = [];
  const sections: Section[] = [{ heading: '', lines: [] }];
  for (const { text, code } of linesOf(page)) {
    const [, marks, title] = (code ? undefined : /^(#{1,6})\s+(.+?)\s*#*$/.exec(text)) ?? [];
    if (marks === undefined) {
      sections.at(-1)!.lines.push(text);
      continue;
    }
    path.length = Math.min(path.length, marks.length - 1);
    path.push(title!);
    sections.push({ heading: path.join(' > '), lines: [] });
  }
  return sections;
}

/** Runs of lines between empty ones. A code block is one, whatever is in it. */
function blocksOf(lines: readonly string[]): string[] {
  const blocks: string[] = [];
  let open: string[] = [];
  const close = (): void => {
    if (open.length > 0) blocks.push(open.join('\n'));
    open = [];
  };
  for (const { text, code } of linesOf(lines.join('\n'))) {
    if (text.trim() === '' && !code) close();
    else open.push(text);
  }
  close();
  return blocks.flatMap((block) => (block.length > lengthMax ? cutLong(block) : [block]));
}

/** Into pieces of about the same length. Every piece of a table keeps its header, without which the cells say little. */
function cutLong(block: string): string[] {
  const lines = block.split('\n').flatMap((line) => line.match(new RegExp(`.{1,${lengthMax}}`, 'gu')) ?? []);
  const header = /^\|[\s:|-]+\|$/.test(lines[1] ?? '') ? lines.slice(0, 2) : [];
  const items = itemsOf(lines.slice(header.length));
  const total = items.reduce((sum, item) => sum + item.length + 1, 0);
  const pieceLength = total / Math.ceil(total / targetLength);
  const pieces: string[][] = [];
  let length = Infinity;
  for (const item of items) {
    if (length + item.length / 2 > pieceLength) {
      pieces.push([...header]);
      length = 0;
    }
    pieces.at(-1)!.push(item);
    length += item.length + 1;
  }
  return pieces.map((piece) => piece.join('\n'));
}

/** An indented line goes on with the one before it, as in a list, unless that is long already. */
function itemsOf(lines: readonly string[]): string[] {
  const items: string[] = [];
  for (const line of lines) {
    const last = items.at(-1);
    if (/^\s/.test(line) && last !== undefined && last.length + line.length < targetLength) {
      items[items.length - 1] = `${last}\n${line}`;
    } else items.push(line);
  }
  return items;
}

function packed(blocks: readonly string[]): string[] {
  const texts: string[] = [];
  for (const block of blocks) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + block.length <= targetLength) {
      texts[texts.length - 1] = `${last}\n\n${block}`;
    } else texts.push(block);
  }
  return texts;
}
