/**
 * What goes over https only: tokens of Entra, and customer keys. The stores are azurite; what it does not do itself is done by stand-ins:
 * a server on loopback for the host's source of tokens, and a proxy that speaks https, takes the one token for a SAS, and keeps to customer
 * keys as Azure's documents have it.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { open } from '../../core/index.js';
import { openAzureStore, parseAzureUrl } from '../../core/store/adapters/azure/index.js';
import {
  azureUrl,
  azurite,
  azuriteOrigin,
  makeContainer,
  realPorts,
  sasOf,
  withVariables,
} from '../engines/azurite/container.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { FaultProxy, FaultRule, ProxiedAnswer, ProxiedRequest } from '../engines/fault-proxy.js';
import { selfSigned } from '../engines/self-signed.js';

const body = new Uint8Array(20_000).fill(7);

function saying(status: number, code: string, text: string = ''): ProxiedAnswer {
  return { status, headers: { 'x-ms-error-code': code }, body: Buffer.from(text) };
}

describe.skipIf(azurite === undefined)('the Azure store over https', () => {
  const trusted = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  let container: string;
  let sas: string;

  beforeAll(async () => {
    // The certificate is nobody's.
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    container = await makeContainer('secure');
    sas = await sasOf(container);
  });
  afterAll(() => {
    if (trusted === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = trusted;
  });

  async function proxied(rule: FaultRule): Promise<FaultProxy> {
    const proxy = await startFaultProxy(azuriteOrigin(), selfSigned());
    onTestFinished(() => proxy.close());
    proxy.use(rule);
    return proxy;
  }

  describe('with tokens of Entra', () => {
    /** As App Service has it (2019-08-01). */
    async function tokenSource(): Promise<{ readonly given: () => number }> {
      let given = 0;
      const server = createServer((incoming, outgoing) => {
        const resource = new URL(incoming.url!, 'http://host').searchParams.get('resource');
        const mine = incoming.headers['x-identity-header'] === 'header';
        outgoing.writeHead(mine && resource === 'https://storage.azure.com' ? 200 : 400);
        const lastsS = Math.floor(Date.now() / 1_000) + 3_600;
        outgoing.end(
          JSON.stringify({
            ...{ access_token: `token-${++given}`, expires_on: String(lastsS) },
            ...{ resource, token_type: 'Bearer' },
          }),
        );
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void server.close());
      const { port } = server.address() as AddressInfo;
      const before = { ...process.env };
      onTestFinished(() => {
        for (const name of ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER']) delete process.env[name];
        Object.assign(process.env, before);
      });
      Object.assign(process.env, {
        AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
        IDENTITY_ENDPOINT: `http://127.0.0.1:${port}/token`,
        IDENTITY_HEADER: 'header',
      });
      return { given: () => given };
    }

    it('takes those that the host gives, and says when they have expired', async () => {
      const { given } = await tokenSource();
      let expired = false;
      const proxy = await proxied({
        before: (request) => {
          if (request.headers['authorization'] !== 'Bearer token-1')
            return saying(401, 'NoAuthenticationInformation');
          if (expired) {
            const detail = 'Lifetime validation failed. The token is expired.';
            return saying(401, 'InvalidAuthenticationInfo', `<AuthenticationErrorDetail>${detail}`);
          }
          delete request.headers['authorization'];
          request.path += `${request.path.includes('?') ? '&' : '?'}${sas}`;
          return undefined;
        },
      });
      const { store } = await withVariables({}, () =>
        openAzureStore(parseAzureUrl(azureUrl(container, proxy.url)), realPorts),
      );
      expect((await store.put('token', body, { if: 'absent' })).status).toBe('applied');
      expect(await store.get('token')).toMatchObject({ status: 'found', size: body.length });
      expect(given()).toBe(1);
      expired = true;
      await expect(store.put('token', body, { if: 'any' })).rejects.toMatchObject({
        ...{ kind: 'unauthenticated', code: 'store_credentials_expired', outcome: 'not_applied' },
      });
    });
  });

  describe('with a customer key', () => {
    const sha256 = (key: Uint8Array): string => createHash('sha256').update(key).digest('base64');

    /** Requests that touch a body have the key of the blob, which is taken out: azurite knows none. */
    function keeping(keys: Map<string, readonly string[]>): FaultRule {
      return {
        before: (request: ProxiedRequest) => {
          const { method, headers } = request;
          const given = headers['x-ms-encryption-key-sha256'];
          const key = headers['x-ms-encryption-key'];
          const fits =
            given === undefined ||
            (sha256(Buffer.from(String(key), 'base64')) === given &&
              headers['x-ms-encryption-algorithm'] === 'AES256');
          if (!fits) return saying(400, 'InvalidHeaderValue');
          for (const name of Object.keys(headers))
            if (name.startsWith('x-ms-encryption')) delete headers[name];
          const blob = request.path.replace(/\?.*/, '');
          if (method === 'PUT') keys.set(blob, [...(keys.get(blob) ?? []), String(given)]);
          const [needed] = keys.get(blob) ?? [];
          const reads = (method === 'GET' && !request.path.includes('comp=list')) || method === 'HEAD';
          if (reads && needed !== undefined && needed !== String(given))
            return saying(409, 'BlobUsesCustomerSpecifiedEncryption');
          return undefined;
        },
      };
    }

    it('sends it with every body, and says so where it is another', async () => {
      const keys = new Map<string, readonly string[]>();
      const proxy = await proxied(keeping(keys));
      const customerKey = new Uint8Array(32).map((_, at) => at * 7);
      const url = azureUrl(container, proxy.url, 'keyed');
      const opened = (options: { readonly customerKey?: Uint8Array }) =>
        withVariables({ AZURE_STORAGE_SAS_TOKEN: sas }, () =>
          openAzureStore(parseAzureUrl(url), realPorts, options),
        );
      const { store } = await opened({ customerKey });
      await store.put('small', body, { if: 'absent' });
      const upload = await store.upload('large');
      await upload.write(new Uint8Array(limits.uploadPartBytes + 1));
      await upload.finish();
      const sent = (name: string) => [...keys].find(([blob]) => blob.endsWith(`/keyed/${name}`))?.[1];
      const mine = sha256(customerKey);
      expect(sent('small')).toEqual([mine]);
      // Two blocks and their list.
      expect(sent('large')).toEqual([mine, mine, mine]);
      expect(await store.get('small')).toMatchObject({ status: 'found', bytes: body });
      for (const options of [{}, { customerKey: new Uint8Array(32) }]) {
        const { store: other } = await opened(options);
        await expect(other.get('small')).rejects.toMatchObject({
          kind: 'forbidden',
          code: 'store_customer_key',
        });
      }
      const database = await withVariables({ AZURE_STORAGE_SAS_TOKEN: sas }, () =>
        open(url, { customerKey }),
      );
      await database.close();
    });
  });
});
