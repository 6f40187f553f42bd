/** A store behind a fault proxy: what its tests spoil and count, and the harness with which it runs the suite of faults. */
import { onTestFinished } from 'vitest';
import type { BucketPorts } from '../../core/store/adapters/bucket/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { systemClock, systemRandom } from '../../core/system-ports.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { FaultProxy, ProxiedAnswer, ProxiedRequest } from '../engines/fault-proxy.js';
import type { BodyFault, CallEnd, CallRole, FaultHarness, StoreSays } from './bucket-faults.js';
import { makePatience } from './patience.js';
import type { Patience } from './patience.js';

export interface ProxiedStore {
  readonly store: ObjectStore;
  readonly proxy: FaultProxy;
  readonly patience: Patience;
  /** Until the next rule, or the end of the test. */
  readonly spoil: FaultProxy['use'];
  /** Method and path of each request of a call. */
  readonly seenBy: (call: () => Promise<unknown>) => Promise<readonly string[]>;
  readonly methodsOf: (call: () => Promise<unknown>) => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** `origin`: of what is behind the proxy. `open` gets the URL of the proxy. */
export async function openProxied(
  origin: string,
  open: (url: string, ports: BucketPorts) => Promise<{ readonly store: ObjectStore }>,
): Promise<ProxiedStore> {
  const proxy = await startFaultProxy(origin);
  const patience = makePatience();
  const ports = { clock: systemClock, random: systemRandom, sleep: patience.sleep };
  const { store } = await open(proxy.url, ports);
  const seenBy: ProxiedStore['seenBy'] = async (call) => {
    const before = proxy.seen.length;
    await call();
    return proxy.seen.slice(before);
  };
  return {
    ...{ store, proxy, patience, seenBy },
    spoil: (rule) => {
      proxy.use(rule);
      onTestFinished(() => proxy.use({}));
    },
    methodsOf: async (call) => (await seenBy(call)).map((line) => line.split(' ')[0]!),
    close: async () => {
      await store.close();
      await proxy.close();
    },
  };
}

/** How a store speaks. */
export interface StoreSpeech extends Pick<FaultHarness, 'secrets' | 'unfinished'> {
  readonly saying: (says: StoreSays) => ProxiedAnswer;
  readonly roleOf: (request: ProxiedRequest) => CallRole;
}

/** Of every answer that a proxy makes up. */
const RETRY_AFTER_S = 3;

export function proxiedHarness(
  { store, patience, spoil }: ProxiedStore,
  { saying, roleOf, ...rest }: StoreSpeech,
): FaultHarness {
  const said = (says: StoreSays): ProxiedAnswer => {
    const answer = saying(says);
    return { ...answer, headers: { ...answer.headers, 'retry-after': String(RETRY_AFTER_S) } };
  };
  const told = (end: CallEnd | undefined) => (typeof end === 'object' ? said(end) : end);
  return {
    ...{ store, patience, retryAfterS: RETRY_AFTER_S, ...rest },
    spoil: ({ before, after, body }) =>
      spoil({
        before: (request) => told(before?.(roleOf(request))),
        after: (request, answer) => {
          if (body !== undefined) spoilBody(answer, body);
          const end = told(after?.(roleOf(request)));
          if (typeof end !== 'object') return end;
          Object.assign(answer, end);
          return undefined;
        },
      }),
  };
}

function spoilBody(answer: ProxiedAnswer, fault: BodyFault): void {
  if (fault !== 'earlier range') {
    Object.assign(answer, fault);
    return;
  }
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(String(answer.headers['content-range']))!;
  answer.headers['content-range'] = `bytes ${Number(first) - 1}-${Number(last) - 1}/${size}`;
}
