/** Settings of a Worker, as its configuration may write them. The Worker itself runs in test/runtime/hosts. */
import { expect, test } from 'vitest';
import { variablesOf } from '../../functions/cloudflare/variables.js';

test('are texts, whatever variables are', () => {
  const bucket = { get: () => undefined };
  const environment = {
    BUCKET: bucket,
    OTHER: 'not ours',
    CAIRN_API_KEYS: 'a,b',
    CAIRN_ALLOW_ANONYMOUS: true,
    CAIRN_SUBREQUESTS: 10_000,
    CAIRN_CORS_ORIGINS: ['https://a.example.com', 'https://b.example.com'],
  };
  expect(variablesOf(environment)).toEqual({
    CAIRN_STORE: 'r2:BUCKET',
    CAIRN_API_KEYS: 'a,b',
    CAIRN_ALLOW_ANONYMOUS: 'true',
    CAIRN_SUBREQUESTS: '10000',
    CAIRN_CORS_ORIGINS: 'https://a.example.com,https://b.example.com',
  });
});

test.each(['', undefined])('have a store by default: %j', (store) => {
  expect(variablesOf(store === undefined ? {} : { CAIRN_STORE: store })).toEqual({
    CAIRN_STORE: 'r2:BUCKET',
  });
  expect(variablesOf({ CAIRN_STORE: 'r2:DATA/cairn' })).toEqual({ CAIRN_STORE: 'r2:DATA/cairn' });
});

test('are not left out in silence where they are bindings', () => {
  const secret = { get: () => Promise.resolve('key') };
  expect(() => variablesOf({ CAIRN_API_KEYS: secret })).toThrow('CAIRN_API_KEYS is a binding');
});
