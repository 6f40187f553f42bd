/** The command line of the fuzzer: `fuzz.mjs` bundles and starts it, in a process with a small heap. */
import { parseArgs } from 'node:util';
import { decoders } from './decoders/index.js';
import type { Decoder } from './decoder.js';
import { fuzz } from './run.js';

/** No input may keep a server from all others for longer. */
const MS_MOST = 1_000;
/** Tried again where one took long: once it may have been what else the machine did. */
const REPEATS = 5;

const { values } = parseArgs({
  options: {
    decoder: { type: 'string' },
    inputs: { type: 'string', default: '100000' },
    start: { type: 'string', default: '1' },
  },
});
const names = decoders.map(({ name }) => name);
const wanted = decoders.filter(({ name }) => values.decoder === undefined || name === values.decoder);
const [inputs, start] = [Number(values.inputs), Number(values.start)];
if (wanted.length === 0) throw new Error(`no decoder ${values.decoder}: there are ${names.join(', ')}`);
if (!Number.isSafeInteger(inputs) || !Number.isSafeInteger(start))
  throw new Error('--inputs and --start are numbers');

async function repeatedMs(decoder: Decoder, input: number): Promise<number> {
  let least = Infinity;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const { slowest } = await fuzz(decoder, { inputs: 1, start: input });
    least = Math.min(least, slowest.ms);
  }
  return least;
}

async function report(decoder: Decoder): Promise<void> {
  const { ends, slowest, largestAllocation } = await fuzz(decoder, { inputs, start });
  const again = await repeatedMs(decoder, slowest.input);
  const counts = [...ends].sort((a, b) => b[1] - a[1]).map(([end, count]) => `${count} ${end}`);
  console.log(
    `${decoder.name}: ${inputs} inputs, ${counts.join(', ')}; slowest ${slowest.ms.toFixed(1)} ms ` +
      `(input ${slowest.input}, ${again.toFixed(1)} ms when repeated); ` +
      `at most ${largestAllocation.bytes} bytes at once (input ${largestAllocation.input})`,
  );
  if (again > MS_MOST) throw new Error(`input ${slowest.input} of ${decoder.name} takes ${again} ms`);
}

for (const decoder of wanted) {
  try {
    await report(decoder);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}
