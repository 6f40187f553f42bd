/**
 * Requests delete no object of a store: the role of the function that serves has no right to (infra/aws/roles.yml).
 *
 * Strategy: the whole HTTP suite, which calls every route, over a store that takes no deletion and counts what it was asked.
 */
import { expect, it } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { open } from '../../core/index.js';
import { testServer, watchedStore } from '../http/harness.js';
import { describeHttp } from '../http/suite/index.js';

const asked: string[] = [];

describeHttp('a store in which nothing may be deleted', async ({ apiKeys = [], ...settings } = {}) => {
  const store = {
    ...watchedStore(() => Promise.resolve()),
    delete: (keys: readonly string[]): Promise<void> => {
      asked.push(...keys);
      return Promise.reject(new CairnError('forbidden', 'store_forbidden', 's3:DeleteObject is missing'));
    },
  };
  return await testServer(await open('memory:', { store }), { keys: apiKeys, ...settings });
});

it('was asked to delete nothing', () => {
  expect(asked).toEqual([]);
});
