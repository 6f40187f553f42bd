/**
 * The test that a container has to pass before it is trusted: what it costs, and that it refuses a store that breaks any promise. The
 * store is azurite; a proxy before it takes out of requests what the broken store would not look at, and turns answers around.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  azureUrl,
  azurite,
  azuriteOrigin,
  makeContainer,
  openChangeable,
  openStore,
} from '../engines/azurite/container.js';
import type { OpenedBucketStore } from '../../core/store/adapters/bucket/index.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { FaultProxy, FaultRule } from '../engines/fault-proxy.js';

describe.skipIf(azurite === undefined)('the self-test of the Azure store', () => {
  let container: string;

  beforeAll(async () => {
    container = await makeContainer('self-test');
  });

  async function proxied(rule: FaultRule = {}): Promise<FaultProxy> {
    const proxy = await startFaultProxy(azuriteOrigin());
    onTestFinished(() => proxy.close());
    proxy.use(rule);
    return proxy;
  }

  const opened = async (
    rule: FaultRule = {},
  ): Promise<OpenedBucketStore & { readonly proxy: FaultProxy }> => {
    const proxy = await proxied(rule);
    return { ...(await openChangeable(container, azureUrl(container, proxy.url))), proxy };
  };

  it('takes 13 requests, as there is no deletion of many, and one LIST more here; and leaves nothing behind', async () => {
    const { store, sent, proxy } = await opened();
    // The emulator begins each list with the first name, wherever it is told to start.
    expect(sent()).toBe(14);
    expect(proxy.seen).toHaveLength(14);
    expect(await store.list('')).toEqual([]);
  });

  const without = (header: string, method: string): FaultRule => ({
    before: (request) => {
      if (request.method === method) delete request.headers[header];
    },
  });
  const turned = (turn: (blobs: readonly string[]) => readonly string[]): FaultRule => ({
    after: ({ path }, answer) => {
      if (!path.includes('comp=list')) return;
      const text = answer.body.toString();
      const found = text.match(/<Blob>.*?<\/Blob>/gs) ?? [];
      answer.body = Buffer.from(text.replace(found.join(''), turn(found).join('')));
      answer.headers['content-length'] = String(answer.body.length);
    },
  });
  /** As accounts with a hierarchical namespace list: folders before all names that begin with theirs. */
  const byFolders = turned((blobs) => {
    const nameOf = (blob: string): string => /<Name>(.*?)<\/Name>/.exec(blob)![1]!.replaceAll('/', '\0');
    return blobs.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  });

  it.each([
    ['looks at no condition of a creation', without('if-none-match', 'PUT'), 'conditional create'],
    ['looks at no condition of a swap', without('if-match', 'PUT'), 'conditional swap'],
    ['looks at no condition of a get', without('if-none-match', 'GET'), 'conditional get'],
    ['lists backwards', turned((blobs) => blobs.toReversed()), 'ordered list'],
    ['lists by folders', byFolders, 'ordered list'],
    [
      'starts lists after more than it was asked',
      turned((blobs) => blobs.filter((blob) => !/\/2[^<]*<\/Name>/.test(blob))),
      'ordered list',
    ],
  ])('refuses a store that %s, and leaves nothing in it', async (_, rule, promise) => {
    await expect(opened(rule)).rejects.toMatchObject({
      kind: 'invalid',
      code: 'store_unfit',
      details: { store: `az://${container}/some/prefix/`, failed: expect.stringContaining(promise) },
    });
    const direct = await openStore(azureUrl(container, azuriteOrigin(), ''));
    expect(await direct.list('')).toEqual([]);
  });

  it('asks again where the store left something open, and gives up in the end', async () => {
    let spoiled = 0;
    const busy = { status: 503, headers: { 'x-ms-error-code': 'ServerBusy' }, body: Buffer.alloc(0) };
    await opened({ before: () => (spoiled++ === 2 ? busy : undefined) });
    expect(spoiled).toBeGreaterThan(13);
    await expect(opened({ before: () => busy })).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'store_busy',
    });
  });
});
