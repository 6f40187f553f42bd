/**
 * All that can happen to the objects of a bucket: every byte flipped, every length that is shorter and some that are longer,
 * gone, and any two of one kind exchanged. Numbered within groups, so that a sample can be drawn of what is far too much.
 */
import { decodeFooter, footerOffset } from '../../core/segment/footer.js';
import { kindOf } from './bucket.js';
import type { Bucket } from './bucket.js';
import { digests } from './fresh-process.js';
import type { Image } from './image.js';

export type DamageKind = 'flip' | 'cut' | 'longer' | 'absent' | 'swap';

export interface Damage {
  readonly kind: DamageKind;
  /** The objects that are not what they were. */
  readonly keys: readonly string[];
  /** In words. */
  readonly what: string;
  readonly of: Image;
}

/** Damages of one kind to one object. */
export interface DamageGroup {
  readonly kind: DamageKind;
  readonly key: string;
  readonly count: number;
  readonly at: (i: number) => Damage;
}

const MASKS = [0x01, 0x80, 0xff] as const;
const LONGER_BYTES = [1, 4, 64, 16_384] as const;
/** One byte of so many is looked at where there is only padding: the checksum of a page covers all alike. */
const PADDING_STEP = 127;

function withObject(image: Image, key: string, bytes: Uint8Array | undefined): Image {
  const copy = new Map(image);
  if (bytes === undefined) copy.delete(key);
  else copy.set(key, bytes);
  return copy;
}

/** Offsets worth a look: all, but of a segment's padding some. */
function offsetsOf(key: string, bytes: Uint8Array): Uint32Array {
  const all = Uint32Array.from(bytes.keys());
  if (kindOf(key) !== 'segment') return all;
  const footerAt = footerOffset(key, bytes, 0);
  const { sections } = decodeFooter(digests, { key, offset: footerAt }, bytes.subarray(footerAt));
  const used = new Uint8Array(bytes.length).fill(1, footerAt);
  for (const { offset, length } of sections) used.fill(1, offset, offset + length);
  return all.filter((at) => used[at] === 1 || at % PADDING_STEP === 0);
}

function flips({ image }: Bucket, key: string, offsets: Uint32Array): DamageGroup {
  const bytes = image.get(key)!;
  return {
    ...{ kind: 'flip', key, count: offsets.length * MASKS.length },
    at: (i) => {
      const offset = offsets[Math.floor(i / MASKS.length)]!;
      const mask = MASKS[i % MASKS.length]!;
      const flipped = bytes.slice();
      flipped[offset]! ^= mask;
      const what = `byte ${offset} of ${key} with the bits ${mask.toString(16)} flipped`;
      return { kind: 'flip', keys: [key], what, of: withObject(image, key, flipped) };
    },
  };
}

function cuts({ image }: Bucket, key: string, offsets: Uint32Array): DamageGroup {
  const bytes = image.get(key)!;
  return {
    ...{ kind: 'cut', key, count: offsets.length },
    at: (i) => {
      const length = offsets[i]!;
      const what = `${key} cut to ${length} of ${bytes.length} bytes`;
      return { kind: 'cut', keys: [key], what, of: withObject(image, key, bytes.slice(0, length)) };
    },
  };
}

function longer({ image }: Bucket, key: string): DamageGroup {
  const bytes = image.get(key)!;
  return {
    ...{ kind: 'longer', key, count: LONGER_BYTES.length },
    at: (i) => {
      const more = new Uint8Array(bytes.length + LONGER_BYTES[i]!);
      more.set(bytes);
      const what = `${key} with ${LONGER_BYTES[i]} bytes more`;
      return { kind: 'longer', keys: [key], what, of: withObject(image, key, more) };
    },
  };
}

function absence({ image }: Bucket, key: string): DamageGroup {
  const damage: Damage = {
    kind: 'absent',
    keys: [key],
    what: `no ${key}`,
    of: withObject(image, key, undefined),
  };
  return { kind: 'absent', key, count: 1, at: () => damage };
}

function swaps({ image }: Bucket, key: string): DamageGroup {
  const keys = [...image.keys()];
  const others = keys.slice(keys.indexOf(key) + 1).filter((other) => kindOf(other) === kindOf(key));
  return {
    ...{ kind: 'swap', key, count: others.length },
    at: (i) => {
      const other = others[i]!;
      const of = withObject(withObject(image, key, image.get(other)), other, image.get(key));
      return { kind: 'swap', keys: [key, other], what: `${key} and ${other} exchanged`, of };
    },
  };
}

export function damageGroups(bucket: Bucket): readonly DamageGroup[] {
  return [...bucket.image].flatMap(([key, bytes]) => {
    const offsets = offsetsOf(key, bytes);
    const groups = [
      flips(bucket, key, offsets),
      cuts(bucket, key, offsets),
      longer(bucket, key),
      absence(bucket, key),
      swaps(bucket, key),
    ];
    return groups.filter(({ count }) => count > 0);
  });
}
