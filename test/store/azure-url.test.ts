/** Store URLs of Azure: what they mean, what is refused, and that a refusal repeats nothing that may be secret. */
import { describe, expect, it } from 'vitest';
import { isCairnError } from '../../core/base/errors.js';
import { open } from '../../core/index.js';
import { parseAzureUrl } from '../../core/store/adapters/azure/index.js';

describe('az: URLs', () => {
  it.each([
    ['az://container', { prefix: '' }],
    ['az://container/a/b/', { prefix: 'a/b/' }],
    ['az://container/a%20b/%C3%A9', { prefix: 'a b/é/' }],
    ['az://container/p?account=mine01', { prefix: 'p/', account: 'mine01' }],
    [
      'az://container?endpoint=http://127.0.0.1:10000/devstoreaccount1/',
      { prefix: '', endpoint: 'http://127.0.0.1:10000/devstoreaccount1' },
    ],
    [
      'az://container?endpoint=https%3A%2F%2Fmine.blob.core.usgovcloudapi.net&account=mine',
      { prefix: '', endpoint: 'https://mine.blob.core.usgovcloudapi.net', account: 'mine' },
    ],
    [
      'az://container?endpoint=HTTPS://Mine.blob.core.chinacloudapi.cn',
      { prefix: '', endpoint: 'https://mine.blob.core.chinacloudapi.cn' },
    ],
    ['az://container?encryption_scope=my-scope', { prefix: '', encryptionScope: 'my-scope' }],
    [
      'az://container?timeout_ms=2500&connections=8&self_test=false',
      { prefix: '', answerMs: 2_500, connections: 8, selfTest: false },
    ],
  ])('reads %s', (url, location) => {
    expect(parseAzureUrl(url)).toEqual({
      ...{ bucket: 'container', answerMs: 10_000, connections: 256, selfTest: true },
      ...location,
    });
  });

  it.each([
    'az:',
    'az://',
    'az:///key',
    'az://no',
    'az://-container',
    'az://con--tainer',
    'az://Container',
    'az://con.tainer',
    `az://${'c'.repeat(64)}`,
    'az://container:80/a',
    'az://container/%zz',
    'az://account:SECRET@container/a',
    'az://container?account=SECRET',
    'az://container?account=mine&account=mine',
    'az://container?endpoint=SECRET',
    'az://container?endpoint=https://account:SECRET@host',
    'az://container?endpoint=https://host/?sig=SECRET',
    'az://container?endpoint=ftp://host',
    'az://container?encryption_scope=SECRET/',
    'az://container?account_key=SECRET',
    'az://container?sig=SECRET',
    'az://container?connections=SECRET',
  ])('refuses %s, and shows no value', async (url) => {
    const thrown = await open(url).catch((error: unknown) => error);
    if (!isCairnError(thrown)) throw new Error('was not refused', { cause: thrown });
    expect(thrown).toMatchObject({ kind: 'invalid', code: 'invalid_store_url' });
    expect(`${thrown.stack} ${JSON.stringify(thrown.details)}`).not.toMatch(/SECRET/);
  });
});
