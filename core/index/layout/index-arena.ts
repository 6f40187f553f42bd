/** An arena for so many bytes, whatever its class. */
import { CairnError } from '../../base/errors.js';
import { arenaClassFor, arenaClasses, type Arena, type ArenaPool } from '../../kernel/index.js';

/** Throws `memory_budget_exceeded`, also where no class is large enough. */
export function acquireBytes(pool: ArenaPool, payloadBytes: number): Arena {
  const arenaClass = arenaClassFor(payloadBytes);
  if (arenaClass !== undefined) return pool.acquire(arenaClass);
  const maximum = arenaClasses.at(-1)!;
  throw new CairnError(
    'unavailable',
    'memory_budget_exceeded',
    `an index takes ${payloadBytes} bytes, the largest memory has ${maximum}`,
    { details: { value: payloadBytes, maximum } },
  );
}
