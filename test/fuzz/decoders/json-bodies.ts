/** Bodies in JSON: decoded, measured, parsed, with and without what a host does faster, which must make no difference. */
import { isDeepStrictEqual } from 'node:util';
import { decodeBase64Scalar } from '../../../core/kernel/scalar/base64.js';
import { parseJsonBytes } from '../../../functions/http/body/index.js';
import { hostBytes } from '../../../functions/node/index.js';
import type { Chance } from '../../log/virtual-time.js';
import { damaged } from '../byte-edits.js';
import { hexOf, mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { editedJson, littered, nestedText } from '../json-edits.js';

const newMark = (): string => 'a text that no client can guess';
const LIFTED_BYTES = 65_536;
/** So long that they are lifted out of the body before it is parsed. */
const floats = Buffer.alloc(49_152, 0x3f).toString('base64');
const records = {
  records: [{ id: 'a', vector: [1, 2.5e-3], metadata: { t: 'é "x" \\', l: [1, null, true] } }],
};
const query = { vector: [1, 2], k: 3, filter: { $and: [{ a: { $gte: 1 } }] }, include: ['metadata'] };
const columns = { ids: ['a', 'b"'], vectors: `${floats}AAAA`, metadata: [null, {}] };

function textOf(chance: Chance): string {
  const kind = chance.below(40);
  if (kind === 0) return nestedText(chance, chance.pick([200, 70_000, 140_000]));
  if (kind < 4) return littered(chance, JSON.stringify({ upsert: columns }));
  if (kind < 6) return `{"vectors":"${littered(chance, floats)}"}`;
  if (kind < 8)
    return JSON.stringify({ vectors: floats, [chance.pick(['a', 'vectors'])]: chance.pick([1, floats]) });
  const body = editedJson(chance, chance.pick<unknown>([records, query]));
  const text = JSON.stringify(body) ?? '';
  return chance.happens(0.5) ? text : littered(chance, text);
}

const NO_BASE64 = 'no base64 of floats';

/** The floats that a text of them stands for. A host looks at what it lifts no closer than that it is none: the engine refuses it. */
function floatsOf(vectors: unknown): unknown {
  if (vectors instanceof Float32Array)
    return Buffer.from(vectors.buffer, vectors.byteOffset, vectors.byteLength).toString('hex');
  if (typeof vectors !== 'string') return vectors;
  const decoded = decodeBase64Scalar(vectors);
  const whole = 'bytes' in decoded && decoded.bytes.length % 4 === 0;
  return whole ? Buffer.from(decoded.bytes).toString('hex') : NO_BASE64;
}

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('vectors' in value)) return value;
  return { ...value, vectors: floatsOf(value.vectors) };
}

type End = { readonly value: unknown } | { readonly error: unknown };

function endOf(parse: () => unknown): End {
  try {
    const value = parse() as Readonly<Record<string, unknown>> | null;
    const upsert = typeof value === 'object' && value !== null ? value['upsert'] : undefined;
    return { value: upsert === undefined ? plain(value) : { ...value, upsert: plain(upsert) } };
  } catch (error) {
    return { error };
  }
}

function hasNoFloats(value: unknown): boolean {
  const body = value as { readonly vectors?: unknown; readonly upsert?: { readonly vectors?: unknown } };
  return (body.vectors ?? body.upsert?.vectors) === NO_BASE64;
}

export const jsonBodies: Decoder = {
  name: 'json-bodies',
  refusals: ['invalid'],
  next: (chance) => {
    const text = new Uint8Array(Buffer.from(textOf(chance)));
    const bytes = chance.happens(0.2) ? damaged(chance, text) : text;
    return {
      size: bytes.length,
      show: () => hexOf(bytes),
      run: () => {
        // With a host the bytes are written to.
        const ends = [undefined, hostBytes].map((host) =>
          endOf(() => parseJsonBytes(bytes.slice(), { host, newMark })),
        );
        const [portable, fast] = ends as [End, End];
        if ('error' in portable) {
          mustHold('error' in fast || hasNoFloats(fast.value), 'a host takes no more than portable code');
          throw portable.error;
        }
        // Shorter ones are parsed by the same code, and may be deeper than a comparison bears.
        const same =
          bytes.length < LIFTED_BYTES || ('value' in fast && isDeepStrictEqual(portable.value, fast.value));
        mustHold(same, 'both read the same');
      },
    };
  },
};
