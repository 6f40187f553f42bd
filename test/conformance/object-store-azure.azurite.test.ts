/**
 * The conformance suite of the store port on the Azure adapter and azurite, Microsoft's emulator: two clients, the first through a
 * proxy that can spoil what is under way.
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

  describeObjectStore(
    'azure',
    async () => {
      container = await makeContainer('conformance');
      const proxy = await proxied();
      return {
        store: await openStore(azureUrl(container, proxy.url)),
        openAnother: () => openStore(azureUrl(container, azuriteOrigin())),
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
        const stranger = await openStore(azureUrl(container, proxy.url));
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
