/** `az://CONTAINER/PREFIX?account=…&endpoint=…`: which container of Azure Blob Storage, and how it is reached. */
import { mustBeEndpoint, parseBucketUrl, urlRefused } from '../bucket/index.js';
import type { BucketLocation, BucketUrlForm } from '../bucket/index.js';

export interface AzureLocation extends BucketLocation {
  /** Absent: that of the endpoint, else of the variables. */
  readonly account?: string;
  /** Of the account, without the container. Absent: Azure's own for the account. */
  readonly endpoint?: string;
  /** Of the account, by which it encrypts what is put. Absent: as the container has it. */
  readonly encryptionScope?: string;
}

export const azureForm: BucketUrlForm = {
  scheme: 'az',
  shape: 'az://CONTAINER/PREFIX?account=NAME',
  bucket: /^(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*$/,
  parameters: ['account', 'endpoint', 'encryption_scope'],
  credentials:
    'they come from AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_CONNECTION_STRING and the places where the Azure SDK looks',
};
const ACCOUNT = /^[a-z0-9]{3,24}$/;
const ENCRYPTION_SCOPE = /^[A-Za-z0-9-]{3,63}$/;

/** Throws `invalid` (`invalid_store_url`, `limit_exceeded`). */
export function parseAzureUrl(text: string): AzureLocation {
  const { location, given } = parseBucketUrl(text, azureForm);
  const account = given.get('account');
  if (account !== undefined && !ACCOUNT.test(account))
    throw urlRefused(azureForm, 'has no valid account', 'write its name alone');
  const written = given.get('endpoint');
  const example = 'https://ACCOUNT.blob.core.chinacloudapi.cn';
  const endpoint = written === undefined ? undefined : mustBeEndpoint(written, azureForm, example);
  const encryptionScope = given.get('encryption_scope');
  if (encryptionScope !== undefined && !ENCRYPTION_SCOPE.test(encryptionScope))
    throw urlRefused(azureForm, 'has no valid encryption_scope', 'write the name of one of the account');
  return {
    ...location,
    ...(account === undefined ? {} : { account }),
    ...(endpoint === undefined ? {} : { endpoint: endpoint.replace(/\/+$/, '') }),
    ...(encryptionScope === undefined ? {} : { encryptionScope }),
  };
}
