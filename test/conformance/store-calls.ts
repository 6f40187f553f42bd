/** Sequences of store calls drawn at random, and the check that a store answers them as a map would. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { compareUtf8 } from '../../core/base/bytes.js';
import type { ObjectStore, StoreVersion } from '../../core/store/index.js';

export type StoreCall =
  | { readonly do: 'create' | 'replace' | 'swap'; readonly name: string; readonly body: Uint8Array }
  | { readonly do: 'delete' | 'get'; readonly name: string }
  | { readonly do: 'list'; readonly name: string; readonly after: string; readonly limit: number };

const someName = fc.constantFrom('a', 'a/b', 'a-b', 'a/b.obj', 'b', 'B', 'é/x', 'a.gen');
const someBody = fc.uint8Array({ maxLength: 90 });
export const storeCall: fc.Arbitrary<StoreCall> = fc.oneof(
  fc.record({ do: fc.constantFrom('create', 'replace', 'swap'), name: someName, body: someBody }),
  fc.record({ do: fc.constantFrom('delete', 'get'), name: someName }),
  fc.record({
    do: fc.constant('list' as const),
    name: fc.oneof(fc.constant(''), someName),
    after: fc.oneof(fc.constant(''), someName),
    limit: fc.integer({ min: 1, max: 9 }),
  }),
);

export async function checkAgainstMap(
  store: ObjectStore,
  prefix: string,
  calls: readonly StoreCall[],
): Promise<void> {
  const map = new Map<string, { body: Uint8Array; version: StoreVersion }>();
  for (const step of calls) {
    const key = prefix + step.name;
    const known = map.get(step.name);
    switch (step.do) {
      case 'create':
      case 'replace':
      case 'swap': {
        const stale = 'no-such-version' as StoreVersion;
        const version = known?.version ?? stale;
        const condition = { create: 'absent', replace: 'any', swap: { version } } as const;
        const put = await store.put(key, step.body, { if: condition[step.do] });
        const fits = { create: known === undefined, replace: true, swap: known !== undefined };
        expect(put.status).toBe(fits[step.do] ? 'applied' : 'refused');
        if (put.status === 'applied') map.set(step.name, { body: step.body, version: put.version });
        break;
      }
      case 'delete':
        await store.delete([key]);
        map.delete(step.name);
        break;
      case 'get': {
        const found = await store.get(key);
        if (known === undefined) expect(found).toEqual({ status: 'absent' });
        else expect(found).toMatchObject({ status: 'found', bytes: known.body, version: known.version });
        break;
      }
      case 'list': {
        const expected = [...map.keys()]
          .filter((name) => name.startsWith(step.name) && compareUtf8(name, step.after) > 0)
          .toSorted(compareUtf8)
          .slice(0, step.limit)
          .map((name) => ({ key: prefix + name, size: map.get(name)!.body.length }));
        expect(await store.list(key, { after: prefix + step.after, limit: step.limit })).toEqual(expected);
        break;
      }
    }
  }
}
