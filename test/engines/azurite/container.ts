/** Containers for the suites on azurite, and stores in them. */
import process from 'node:process';
import { ContainerClient, ContainerSASPermissions, StorageSharedKeyCredential } from '@azure/storage-blob';
import { inject } from 'vitest';
import { openAzureStore, parseAzureUrl } from '../../../core/store/adapters/azure/index.js';
import type { OpenedBucketStore } from '../../../core/store/adapters/bucket/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { systemClock, systemRandom, systemSleep } from '../../../core/system-ports.js';
import { account } from './azurite.js';

/** Absent where there is no azurite: then suites skip themselves, and the set-up has said so. */
export const azurite = inject('azurite');

// What users do. The variables of whoever runs the tests must not reach a test.
for (const name of Object.keys(process.env))
  if (/^(?:AZURE_|MSI_|IDENTITY_|ARC_|IMDS_)|_proxy$/i.test(name)) delete process.env[name];
Object.assign(process.env, {
  AZURE_STORAGE_ACCOUNT: account,
  AZURE_STORAGE_KEY: azurite?.key ?? '',
  // Of all that the SDK would try, the one that sends nothing.
  AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential',
});

/** `http://127.0.0.1:PORT`, for a proxy. */
export function azuriteOrigin(): string {
  return new URL(azurite!.endpoint).origin;
}

/** By the way of the SDK, with the key of the account. */
export function containerClient(container: string): ContainerClient {
  const credential = new StorageSharedKeyCredential(account, azurite!.key);
  return new ContainerClient(`${azurite!.endpoint}/${container}`, credential);
}

export async function makeContainer(name: string): Promise<string> {
  const container = `${name}-${Math.floor(Math.random() * 2 ** 40).toString(36)}`;
  await containerClient(container).create();
  return container;
}

/** `origin`: of azurite itself, or of a proxy before it. */
export function azureUrl(container: string, origin: string, prefix: string = 'some/prefix'): string {
  return `az://${container}/${prefix}?endpoint=${encodeURIComponent(`${origin}/${account}`)}`;
}

export const realPorts = { clock: systemClock, random: systemRandom, sleep: systemSleep };

export async function openStore(url: string): Promise<ObjectStore> {
  return (await openAzureStore(parseAzureUrl(url), realPorts)).store;
}

/** A SAS of the container, as `AZURE_STORAGE_SAS_TOKEN` takes it. `permissions` as Azure writes them. */
export async function sasOf(
  container: string,
  permissions: string = 'rcwdl',
  lastsMs: number = 600_000,
): Promise<string> {
  const url = await containerClient(container).generateSasUrl({
    permissions: ContainerSASPermissions.parse(permissions),
    expiresOn: new Date(Date.now() + lastsMs),
  });
  return new URL(url).search.slice(1);
}

/** Runs `work` with these variables of `AZURE_STORAGE_` and no others. */
export async function withVariables<T>(
  given: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  const before = { ...process.env };
  for (const name of Object.keys(before)) if (name.startsWith('AZURE_STORAGE_')) delete process.env[name];
  Object.assign(process.env, given);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(given)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

/** With a SAS, which covers no parameter of a request: a proxy may change it. */
export async function openChangeable(container: string, url: string): Promise<OpenedBucketStore> {
  const token = await sasOf(container);
  return withVariables({ AZURE_STORAGE_SAS_TOKEN: token }, () =>
    openAzureStore(parseAzureUrl(url), realPorts),
  );
}
