/**
 * The conformance suite of the store port on the S3 adapter and a real Ceph: two clients on two gateways, the first through
 * a proxy that can spoil what is under way.
 */
import { describe } from 'vitest';
import { gateways, makeBucket, openStore, s3Url } from '../engines/ceph/bucket.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { FaultProxy } from '../engines/fault-proxy.js';
import { describeObjectStore } from './object-store.js';

describe.skipIf(gateways.length === 0)('on Ceph', () => {
  let bucket: string;
  const proxies: FaultProxy[] = [];

  async function proxied(): Promise<FaultProxy> {
    const proxy = await startFaultProxy(gateways[0]!);
    proxies.push(proxy);
    return proxy;
  }

  describeObjectStore(
    's3',
    async () => {
      bucket = await makeBucket('conformance');
      const proxy = await proxied();
      return {
        store: await openStore(s3Url(bucket, proxy.url)),
        openAnother: () => openStore(s3Url(bucket, gateways[1]!)),
        dispose: async () => {
          for (const each of proxies) await each.close();
        },
        // An ETag is the MD5 of most bodies, and this version of Ceph answers losers of a race of swaps with 500.
        leeway: { versionsReturn: true, undecidedSwaps: true },
      };
    },
    {
      shorten: async () => {
        proxies[0]!.use({
          after: ({ method }, answer) => {
            if (method === 'GET') answer.cutAt = 5_000;
          },
        });
      },
      openForbidden: async () => {
        const proxy = await proxied();
        const stranger = await openStore(s3Url(bucket, proxy.url));
        proxy.use({
          before: ({ headers }) => {
            headers['authorization'] = String(headers['authorization']).replace(
              /Signature=.{8}/,
              'Signature=00000000',
            );
          },
        });
        return stranger;
      },
    },
  );
});
