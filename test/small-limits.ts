/** Limits for as long as something is made: what takes millions of rows otherwise is then to be seen in a few. */
import { limits } from '../core/base/limits.js';

export async function withLimits<T>(
  changes: Readonly<Partial<Record<keyof typeof limits, number>>>,
  run: () => Promise<T>,
): Promise<T> {
  const all = limits as unknown as Record<string, number>;
  const were = Object.fromEntries(Object.keys(changes).map((name) => [name, all[name]!]));
  Object.assign(all, changes);
  try {
    return await run();
  } finally {
    Object.assign(all, were);
  }
}
