/** Which reads of a store wait for which: for what a handler that holds nothing takes. */
import type { ByteRange, ObjectStore } from '../../../core/store/index.js';
import { storeOver } from '../fixture.js';

export interface WavedGet {
  readonly wave: number;
  readonly key: string;
  /** 0 bytes from 0 on of a read of all. */
  readonly range: ByteRange;
}

/** A store that answers when nothing more is asked for without an answer: what is asked until then is one wave. */
export function inWaves(inner: ObjectStore): {
  readonly store: ObjectStore;
  readonly waves: readonly WavedGet[];
} {
  const waves: WavedGet[] = [];
  let wave = 0;
  let waiting: (() => void)[] = [];
  const answerWhenQuiet = (asked: number, turns: number): void => {
    setImmediate(() => {
      if (waves.length > asked) return;
      if (turns > 0) {
        answerWhenQuiet(asked, turns - 1);
        return;
      }
      const answered = waiting;
      waiting = [];
      wave++;
      for (const answer of answered) answer();
    });
  };
  const store = storeOver(inner, {
    get: async (key, options) => {
      waves.push({ wave, key, range: options?.range ?? { offset: 0, length: 0 } });
      const turn = new Promise<void>((resolve) => waiting.push(resolve));
      answerWhenQuiet(waves.length, 10);
      await turn;
      return await inner.get(key, options);
    },
  });
  return { store, waves };
}
