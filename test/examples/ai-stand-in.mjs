/**
 * A stand-in for the binding of Workers AI, which is to be had at Cloudflare only: it takes what the model takes, and gives vectors of
 * its size that know as much of meaning as a table of synonyms does. The module becomes the binding: see `standIns` of workerd.ts.
 */
const model = '@cf/baai/bge-base-en-v1.5';
const dimension = 768;
const instruction = 'Represent this sentence for searching relevant passages: ';

const meanings = [
  ['physician', 'doctor'],
  ['automobile', 'car', 'vehicle'],
  ['ocean', 'sea'],
];

/** @param {string} given */
function embed(given) {
  const isQuestion = given.startsWith(instruction);
  const text = isQuestion ? given.slice(instruction.length) : given;
  const vector = Array.from({ length: dimension }, (_, at) => (at === dimension - 1 ? 0.01 : 0));
  meanings.forEach((words, at) => {
    if (words.some((word) => text.toLowerCase().includes(word))) vector[at] = 1;
  });
  // The model finds worse what it was not told to be a question.
  if (!isQuestion && text.endsWith('?')) vector.reverse();
  return vector;
}

function binding() {
  return {
    /**
     * @param {string} name
     * @param {{ text: string[], pooling?: string }} input
     */
    run(name, { text, pooling }) {
      if (name !== model || pooling !== 'cls') throw new Error(`no such model: ${name}, ${pooling}`);
      if (text.length === 0 || text.length > 100)
        throw new Error(`${text.length} texts, and 1 to 100 are taken`);
      return Promise.resolve({ shape: [text.length, dimension], data: text.map(embed), pooling });
    },
  };
}

export { binding as default };
