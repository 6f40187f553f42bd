/** Objects whose checksums are right whatever is in them: what an attacker with a key to the bucket would put there. */
import type { ObjectKind } from '../../core/base/sealed-object.js';
import { newObject, openSealed, seal } from '../../core/base/sealed-object.js';
import { goldenObjects } from '../golden/objects.js';
import { digests } from '../golden/identity.js';

export { digests, uid } from '../golden/identity.js';

export function sealedAs(kind: ObjectKind, key: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const object = newObject(body.length);
  object.body.set(body);
  return seal(digests, { kind, key }, object);
}

/** A sound object to begin with. */
export interface Seed {
  readonly key: string;
  readonly kind: ObjectKind;
  readonly body: Uint8Array;
}

/** What the golden objects have between their envelopes. */
export function seedOf(file: string, kind: ObjectKind, keyInside?: string): Seed {
  const golden = goldenObjects.find((object) => object.file === file);
  if (golden === undefined) throw new Error(`no golden object ${file}`);
  const key = keyInside ?? golden.key;
  return { key, kind, body: openSealed(digests, { kind, key }, golden.bytes).slice() };
}
