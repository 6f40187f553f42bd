/** Deletes one by one, for stores that have no request for many keys, or none that is worth it. */
import { limits } from '../../../base/limits.js';

/** A few at a time, each key once. Throws the first failure, after which none is begun, when those on their way have ended. */
export async function deleteEach(
  keys: readonly string[],
  deleteOne: (key: string) => Promise<void>,
): Promise<void> {
  const rest = new Set(keys).values();
  let failure: { readonly error: unknown } | undefined;
  const deleteSome = async (): Promise<void> => {
    for (const key of rest) {
      try {
        await deleteOne(key);
      } catch (error) {
        failure ??= { error };
      }
      if (failure !== undefined) return;
    }
  };
  await Promise.all(Array.from({ length: limits.deletesParallel }, deleteSome));
  if (failure !== undefined) throw failure.error;
}
