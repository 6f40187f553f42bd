/**
 * Random histories of writes, folds, merges and reopenings by two processes, against a Map. After every step each process,
 * wherever it stands, must hold exactly the Map's records. CAIRN_RUNS sets how many histories, CAIRN_SEED repeats a run.
 *
 * Invariants: 5 and 18 (the state is a function of the sequence, wherever its rows lie), 10, 20.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from './world.js';
import type { Change } from './world.js';

const SEED = Number(process.env['CAIRN_SEED'] ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env['CAIRN_RUNS'] ?? 60);
const DAY = 86_400_000;

const id = fc.constantFrom('a', 'b', 'B', 'é', '\uff5e', '\u{1f600}', '1', '10', '2', 'a\u0000');
const ids = fc.array(id, { maxLength: 4 });
const put = fc.array(
  fc.record({
    id,
    x: fc.nat(50),
    expiresMs: fc.option(fc.constantFrom(-1, 5_000, 3 * DAY), { nil: undefined }),
  }),
  { maxLength: 8 },
);
const db = fc.nat(1);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('write' as const), db, put, remove: ids, hide: ids }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('compact' as const), db, flat: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('both' as const), put }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('move' as const), ms: fc.constantFrom(1, DAY, 40 * DAY) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('reopen' as const), db }) },
);

/** Rows that nobody can see any more may be dropped, or may still be there. */
function seen(world: World, contents: ReadonlyMap<string, unknown>): unknown {
  const nowMs = world.clock.wallMs();
  const isGone = (name: string): boolean => {
    const known = world.model.get(name);
    return known !== undefined && (known.expiresMs <= nowMs || known.hidden);
  };
  return new Map([...contents].filter(([name]) => !isGone(name)));
}

test('a compacted collection is a Map', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 24 }), async (steps) => {
      const world = await new World().start();
      const processes = [world.process(), world.process()];
      for (const what of steps) {
        const now = world.clock.wallMs();
        const change = ({ put: rows = [], remove = [], hide = [] }: Partial<Change>): Change => ({
          put: rows.map((row) => ({
            ...row,
            expiresMs: row.expiresMs === undefined ? Infinity : now + row.expiresMs,
          })),
          remove,
          hide,
        });
        if (what.op === 'move') world.clock.advance(what.ms);
        else if (what.op === 'reopen') processes[what.db] = world.process();
        else if (what.op === 'compact') await processes[what.db]!.compact({ flat: what.flat });
        else if (what.op === 'write') await processes[what.db]!.write(change(what));
        else {
          const [first, second] = processes;
          await Promise.all([first!.compact(), second!.compact(), second!.write(change(what))]);
        }
        for (const process of processes) {
          expect(seen(world, await process.contents())).toEqual(seen(world, world.model));
        }
      }
      expect((await world.head()).jobs).toEqual([]);
    }),
    { seed: SEED, numRuns: RUNS },
  );
}, 600_000);
