/** The suite of the engine on buckets, on azurite, Microsoft's emulator. */
import { beforeAll, describe } from 'vitest';
import { azureUrl, azurite, azuriteOrigin, makeContainer } from '../engines/azurite/container.js';
import { bucketOverHttp } from './bucket-over-http.js';
import { describeDatabaseIn } from './bucket-suite.js';

describe.skipIf(azurite === undefined)('on azurite', () => {
  let container: string;

  beforeAll(async () => {
    container = await makeContainer('engine');
  });

  describeDatabaseIn(
    'Azure Blob Storage',
    bucketOverHttp({
      origin: azuriteOrigin,
      urlOf: (origin, prefix) => azureUrl(container, origin, prefix),
      create: 'PUT',
    }),
  );
});
