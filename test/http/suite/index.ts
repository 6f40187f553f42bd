/**
 * The HTTP suite: one set of tests for every runtime that serves the app.
 *
 * Strategy: real HTTP against a real server on an empty store, every route and every kind of refusal. Each answer is
 * checked twice: by its test, and against the OpenAPI document that the same server gives.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { describeBadInput } from './bad-input.js';
import { describeBodies } from './bodies.js';
import { Client } from './client.js';
import { describeCollections } from './collections.js';
import { describeLock } from './lock.js';
import { describePast } from './past.js';
import { describeProtocol } from './protocol.js';
import { describeReads } from './reads.js';
import { describeRepeats } from './repeats.js';
import type { Exposure, ServerUnderTest, StartServer } from './server-under-test.js';
import { describeSnapshots } from './snapshots.js';
import { describeWrites } from './writes.js';

export type { ServerSettings, ServerUnderTest, StartServer } from './server-under-test.js';

export function describeHttp(name: string, start: StartServer, exposure: Exposure = 'loopback'): void {
  describe(`HTTP on ${name}`, () => {
    describe('without keys', () => {
      let server: ServerUnderTest;
      let client: Client;
      beforeAll(async () => {
        server = await start(exposure === 'hosted' ? { allowAnonymous: true } : {});
        client = new Client(server.url);
      });
      afterAll(() => server.close());
      const theClient = (): Client => client;
      const theServer = (): ServerUnderTest => server;
      describeCollections(theClient);
      describeWrites(theClient);
      describeRepeats(theClient);
      describeReads(theClient);
      describeSnapshots(theClient);
      describePast(theClient);
      describeBadInput(theClient, theServer);
      describeBodies(theClient, theServer);
      describeProtocol(theClient);
    });
    describeLock(start, exposure);
  });
}
