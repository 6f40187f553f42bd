/**
 * The conformance suite of the store port on the Azure adapter and azurite, Microsoft's emulator: two clients, each through a proxy.
 * The first can spoil what is under way, and both keep connections open that azurite closes after 5 s, whoever is about to use them.
 */
import { describe } from 'vitest';
import { azureUrl, azurite, azuriteOrigin, makeContainer, openStore } from '../engines/azurite/container.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { FaultProxy } from '../engines/fault-proxy.js';
import { describeObjectStore } from './object-store.js';

describe.skipIf(azurite === undefined)('on azurite', () => {
  let container: string;
  const proxies: FaultProxy[] = [];

  async function proxied(): Promise<FaultProxy> {
    const proxy = await startFaultProxy(azuriteOrigin());
    proxies.push(proxy);
    return proxy;
  }

  /** With time for an emulator that looks through all its blobs at every put. */
  const patient = (origin: string): string => `${azureUrl(container, origin)}&timeout_ms=120000`;

  describeObjectStore(
    'azure',
    async () => {
      container = await makeContainer('conformance');
      const proxy = await proxied();
      return {
        store: await openStore(patient(proxy.url)),
        openAnother: async () => openStore(patient((await proxied()).url)),
        // Three pages. It looks through all its blobs at every put: 10,000 take it minutes.
        manyKeys: 2_500,
        dispose: async () => {
          for (const each of proxies) await each.close();
        },
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
        const stranger = await openStore(patient(proxy.url));
        proxy.use({
          before: ({ headers }) => {
            headers['authorization'] = String(headers['authorization']).replace(/:.{8}/, ':00000000');
          },
        });
        return stranger;
      },
    },
  );
});
