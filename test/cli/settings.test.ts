/** Settings: where they come from, in which order, and what is refused with which words. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { anonymousNotice, guardSettings } from '../../functions/node/index.js';
import {
  parseSettingsFile,
  resolveSettings,
  settingTable,
  storeOptions,
} from '../../functions/settings/index.js';
import type { SettingSources } from '../../functions/settings/index.js';

const file = (text: string): NonNullable<SettingSources['file']> =>
  parseSettingsFile({ path: 'cairn.toml', text });

const customerKey = Buffer.alloc(32, 0xa5).toString('base64');

describe('sources', () => {
  test('nothing set gives the defaults', () => {
    expect(resolveSettings({})).toEqual({
      store: 'file:./.cairn',
      host: '127.0.0.1',
      port: 8080,
      demo: false,
      apiKeys: [],
      allowAnonymous: false,
      corsOrigins: [],
      hedgeReads: false,
      cacheBytes: 1_073_741_824,
      cacheApi: false,
      subrequests: 1_000,
      maxConcurrentRequests: 256,
      maxBodyBytesInFlight: 268_435_456,
      maintenance: true,
      maintenanceIntervalMs: 5_000,
      shutdownGraceMs: 10_000,
    });
  });

  test('flags go before the environment, that before the file, that before defaults', () => {
    const toml = file('port = 1\nhost = "localhost"\nstore = "memory:"\ntier = "edge"');
    const environment = { CAIRN_PORT: '2', CAIRN_HOST: '::1', CAIRN_STORE: 'file:env' };
    const flags = { port: '3', host: '127.0.0.2' };
    expect(resolveSettings({ flags, environment, file: toml })).toMatchObject({
      port: 3,
      host: '127.0.0.2',
      store: 'file:env',
      tier: 'edge',
      shutdownGraceMs: 10_000,
    });
  });

  test('every setting is read from each of its sources', () => {
    const samples: Readonly<Record<string, readonly [text: string, toml: string, value: unknown]>> = {
      store: ['memory:', '"memory:"', 'memory:'],
      storeCustomerKey: [customerKey, `"${customerKey}"`, customerKey],
      host: ['::1', '"::1"', '::1'],
      port: ['0', '0', 0],
      demo: ['true', 'true', true],
      apiKeys: ['a, b', '["a", "b"]', ['a', 'b']],
      allowAnonymous: ['1', 'true', true],
      corsOrigins: ['https://a.b,*', '["https://a.b", "*"]', ['https://a.b', '*']],
      tier: ['edge', '"edge"', 'edge'],
      memoryBudgetBytes: ['20000000', '20_000_000', 20_000_000],
      threads: ['3', '3', 3],
      hedgeReads: ['true', 'true', true],
      cacheDirectory: ['/var/cache', '"/var/cache"', '/var/cache'],
      cacheBytes: ['2000000', '2_000_000', 2_000_000],
      cacheApi: ['true', 'true', true],
      subrequests: ['50', '50', 50],
      maxConcurrentRequests: ['7', '7', 7],
      maxBodyBytesInFlight: ['70000000', '70000000', 70_000_000],
      maintenance: ['false', 'false', false],
      maintenanceIntervalMs: ['60000', '60_000', 60_000],
      shutdownGraceMs: ['0', '0', 0],
    };
    expect(Object.keys(samples)).toEqual(Object.keys(settingTable));
    for (const [name, [text, toml, value]] of Object.entries(samples)) {
      const { key, variables, flag } = settingTable[name]!;
      const expected = { [name]: value };
      for (const variable of variables)
        expect(resolveSettings({ environment: { [variable]: text } })).toMatchObject(expected);
      expect(resolveSettings({ file: file(`${key} = ${toml}`) })).toMatchObject(expected);
      if (flag !== undefined) expect(resolveSettings({ flags: { [flag]: text } })).toMatchObject(expected);
    }
    expect(resolveSettings({ flags: { demo: true } })).toMatchObject({ demo: true });
    expect(resolveSettings({ flags: { 'no-maintenance': true } })).toMatchObject({ maintenance: false });
  });

  test('PORT is taken where CAIRN_PORT is not there', () => {
    expect(resolveSettings({ environment: { PORT: '5' } }).port).toBe(5);
    expect(resolveSettings({ environment: { PORT: '5', CAIRN_PORT: '6' } }).port).toBe(6);
  });

  test('an empty variable is none, and variables of others are none of ours', () => {
    expect(
      resolveSettings({
        environment: { CAIRN_PORT: '', PORT: '', PATH: '/bin', CAIRNX: '1', CAIRN_DATA: 'x' },
      }).port,
    ).toBe(8080);
  });
});

test('how the store is opened is the same for everyone', () => {
  const settings = resolveSettings({ environment: { CAIRN_STORE_CUSTOMER_KEY: customerKey } });
  expect(storeOptions(settings)).toEqual({ customerKey: new Uint8Array(32).fill(0xa5) });
  expect(storeOptions(resolveSettings({}))).toEqual({});
});

describe('refusals', () => {
  test('TOML that is none', () => {
    expect(() => file('port = \nhost')).toThrow('cairn.toml is not TOML at line 1');
  });

  test.each<[string, SettingSources, string]>([
    [
      'a misspelt variable',
      { environment: { CAIRN_STOR: 'x' } },
      'environment variable CAIRN_STOR is not a setting: did you mean CAIRN_STORE?',
    ],
    [
      'a variable of its own invention',
      { environment: { CAIRN_WHATEVER_ELSE: 'x' } },
      'environment variable CAIRN_WHATEVER_ELSE is not a setting: docs/CONFIGURATION.md lists them all',
    ],
    [
      'a misspelt key',
      { file: file('prot = 1') },
      'cairn.toml: key "prot" is not a setting: did you mean port?',
    ],
    ['a table', { file: file('[server]\nport = 1') }, 'cairn.toml: key "server" is not a setting'],
    ['a key named __proto__', { file: file('"__proto__" = 1') }, 'cairn.toml'],
    [
      'a port that is no number',
      { environment: { CAIRN_PORT: 'http' } },
      'CAIRN_PORT must be an integer from 0 to 65535, got "http"',
    ],
    [
      'a port that is too large',
      { flags: { port: '65536' } },
      '--port must be an integer from 0 to 65535, got 65536',
    ],
    [
      'a port in quotes',
      { file: file('port = "80"') },
      'cairn.toml: port must be an integer from 0 to 65535, got "80"',
    ],
    ['a port that is a date', { file: file('port = 1979-05-27') }, 'cairn.toml: port must be an integer'],
    [
      'a truth that is none',
      { environment: { CAIRN_ALLOW_ANONYMOUS: 'yes' } },
      'CAIRN_ALLOW_ANONYMOUS must be true or false, got "yes"',
    ],
    [
      'an origin with a path',
      { flags: { 'cors-origins': 'https://a.b/c' } },
      '--cors-origins must be origins such as https://app.example.com, or *',
    ],
    ['an unknown tier', { flags: { tier: 'huge' } }, '--tier must be server or edge, got "huge"'],
    ['an empty store', { flags: { store: '' } }, '--store must be a store URL'],
    [
      'too little memory',
      { flags: { 'memory-budget-bytes': '5' } },
      '--memory-budget-bytes must be an integer of at least 16777216',
    ],
    [
      'a body budget below one body',
      { flags: { 'max-body-bytes-in-flight': '67108863' } },
      '--max-body-bytes-in-flight must be',
    ],
  ])('%s', (_, sources, message) => {
    expect(() => resolveSettings(sources)).toThrow(message);
  });

  test.each(['a b', 'a,,b', 'k\u00e9y', ','])('keys %j, without showing them', (keys) => {
    const refuse = (): unknown => resolveSettings({ environment: { CAIRN_API_KEYS: keys } });
    expect(refuse).toThrow('CAIRN_API_KEYS must be keys of 1 to 256 printable ASCII characters');
    expect(refuse).not.toThrow('got');
  });

  test('of a customer key that is none nothing is shown', () => {
    const environment = { CAIRN_STORE_CUSTOMER_KEY: 'SECRET' };
    const message = 'CAIRN_STORE_CUSTOMER_KEY must be 32 bytes in base64';
    expect(() => resolveSettings({ environment })).toThrow(expect.objectContaining({ message }));
  });
});

describe('the lock', () => {
  const guard = (sources: SettingSources): unknown => guardSettings(resolveSettings(sources));

  test.each(['0.0.0.0', '::', '192.168.1.1', 'db.example.com', '127.0.0.1.example.com'])(
    'nothing listens on %s without keys, unless that is said',
    (host) => {
      expect(() => guard({ flags: { host } })).toThrow(
        `refusing to listen on ${host}, which is not loopback`,
      );
      expect(guard({ flags: { host }, environment: { CAIRN_API_KEYS: 'k' } })).toMatchObject({
        exposure: 'hosted',
      });
      expect(guard({ flags: { host }, environment: { CAIRN_ALLOW_ANONYMOUS: 'true' } })).toMatchObject({
        exposure: 'hosted',
      });
    },
  );

  test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('%s is loopback and needs none', (host) => {
    expect(guard({ flags: { host } })).toMatchObject({ exposure: 'loopback', keys: [] });
  });

  test('what is anonymous is said', () => {
    const notice = (sources: SettingSources): unknown =>
      anonymousNotice(guardSettings(resolveSettings(sources)));
    expect(notice({})).toContain('anyone on this machine');
    expect(notice({ flags: { host: '::' }, environment: { CAIRN_ALLOW_ANONYMOUS: '1' } })).toContain(
      'ANYONE WHO CAN CONNECT',
    );
    expect(notice({ environment: { CAIRN_API_KEYS: 'k' } })).toBeUndefined();
  });
});

describe('docs/CONFIGURATION.md', () => {
  test('has a row for every setting, with its names and default', async () => {
    const text = await readFile('docs/CONFIGURATION.md', 'utf8');
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    for (const [name, { key, variables, flag, schema }] of Object.entries(settingTable)) {
      const row = rows.find((line) => line.includes(`\`${key}\``));
      expect(row, name).toBeDefined();
      const cells = row!.split('|').map((cell) => cell.trim());
      expect(cells[1], name).toBe(flag === undefined ? '-' : `\`--${flag}\``);
      for (const variable of variables) expect(cells[2], name).toContain(`\`${variable}\``);
      expect(cells[3], name).toBe(`\`${key}\``);
      const fallback: unknown = schema.safeParse(undefined).data;
      if (['string', 'number', 'boolean'].includes(typeof fallback)) {
        expect(cells[4]?.replaceAll('`', ''), name).toBe(`${fallback as string | number | boolean}`);
      }
    }
  });
});
