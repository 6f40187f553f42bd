/**
 * The account and the credentials: the variables of Azure's command, else whatever Entra accepts this machine or user for. Nothing
 * of them is shown in errors.
 */
import process from 'node:process';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { StoragePipelineOptions } from '@azure/storage-blob';
import { CairnError } from '../../../base/errors.js';
import { unfitStore, urlRefused } from '../bucket/index.js';
import { azureForm } from './azure-url.js';
import type { AzureLocation } from './azure-url.js';

/** A put that is silently repeated turns a win into a refusal. */
const once: StoragePipelineOptions = { retryOptions: { maxTries: 1 } };

/**
 * Sends nothing. Throws `invalid` (`invalid_store_url`) where no account is named, (`store_unfit`) for a copy that lags behind,
 * `unauthenticated` (`store_unauthenticated`) for credentials that cannot be used.
 */
export async function openContainer(location: AzureLocation, description: string): Promise<ContainerClient> {
  const container = await clientOf(location, description);
  // The copy in another region is some minutes behind, and would pass for a store that may only be read.
  if (new URL(container.url).hostname.split('.', 1)[0]!.endsWith('-secondary'))
    throw unfitStore(description, 'strong reads', 'a secondary endpoint is behind its account');
  return container;
}

async function clientOf(location: AzureLocation, description: string): Promise<ContainerClient> {
  const { bucket, endpoint } = location;
  const connection = variable('AZURE_STORAGE_CONNECTION_STRING');
  if (endpoint === undefined && location.account === undefined && connection !== undefined) {
    try {
      return new ContainerClient(connection, bucket, once);
    } catch {
      throw unauthenticated(description, 'AZURE_STORAGE_CONNECTION_STRING cannot be read');
    }
  }
  const account = location.account ?? variable('AZURE_STORAGE_ACCOUNT');
  if (endpoint === undefined && account === undefined)
    throw urlRefused(azureForm, 'names no account', 'add account=NAME, or set AZURE_STORAGE_ACCOUNT');
  const url = `${endpoint ?? `https://${account}.blob.core.windows.net`}/${bucket}`;
  const key = variable('AZURE_STORAGE_KEY');
  if (key !== undefined) {
    const signer = account ?? new URL(url).hostname.split('.', 1)[0]!;
    return new ContainerClient(url, new StorageSharedKeyCredential(signer, key), once);
  }
  const token = variable('AZURE_STORAGE_SAS_TOKEN');
  if (token !== undefined) return new ContainerClient(`${url}?${token.replace(/^\?/, '')}`, undefined, once);
  if (!url.startsWith('https:'))
    throw unauthenticated(
      description,
      'no credentials were found but those of Entra, which go over https only',
    );
  // 35 MB that nobody needs who has a key.
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new ContainerClient(url, new DefaultAzureCredential(), once);
}

function variable(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

function unauthenticated(description: string, why: string): CairnError {
  return new CairnError('unauthenticated', 'store_unauthenticated', `${why}, for ${description}`, {
    details: { store: description },
  });
}
