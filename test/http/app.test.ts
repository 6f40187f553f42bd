/** The portable app without a server: hosted without keys, errors that are ours, a store that fails. */
import { describe, expect, test } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import type { Database } from '../../core/index.js';
import type { Failure } from '../../functions/http/index.js';
import { open, testHandler, watchedStore } from './harness.js';

const at = (path: string, init?: RequestInit): Request => new Request(`http://db.example.com${path}`, init);

/** A database of which only `method` is called, and throws. */
function failing(method: keyof Database, error: unknown): Database {
  return { [method]: () => Promise.reject(error) } as unknown as Database;
}

describe('a hosted handler without keys', () => {
  test('answers 503 to all but /health', async () => {
    const app = await testHandler(await open('memory:'), { exposure: 'hosted' });
    expect((await app(at('/health'))).status).toBe(200);
    for (const path of ['/ready', '/metrics', '/openapi.json', '/v1/collections', '/nothing']) {
      const response = await app(at(path));
      expect(response.status, path).toBe(503);
      expect(await response.json()).toMatchObject({ code: 'no_keys_configured' });
    }
    expect((await app(at('/v1/collections', { method: 'OPTIONS' }))).status).toBe(503);
  });

  test('serves anyone where that is allowed, but no foreign page', async () => {
    const app = await testHandler(await open('memory:'), { exposure: 'hosted', allowAnonymous: true });
    expect((await app(at('/v1/collections'))).status).toBe(200);
    expect((await app(at('/v1/collections', { headers: { origin: 'https://evil.example' } }))).status).toBe(
      403,
    );
    expect((await app(at('/v1/collections', { headers: { origin: 'https://db.example.com' } }))).status).toBe(
      200,
    );
  });

  test('serves those with a key where there are keys', async () => {
    const app = await testHandler(await open('memory:'), { exposure: 'hosted', keys: ['k'] });
    expect((await app(at('/ready'))).status).toBe(200);
    expect((await app(at('/v1/collections'))).status).toBe(401);
    expect((await app(at('/v1/collections', { headers: { authorization: 'Bearer k' } }))).status).toBe(200);
  });
});

describe('errors', () => {
  test('of ours are logged with their request id, and tell the client nothing else', async () => {
    const failures: Failure[] = [];
    const bug = new TypeError('secret detail');
    const app = await testHandler(failing('listCollections', bug), {
      keys: ['k'],
      onFailure: (failure) => failures.push(failure),
    });
    const headers = { authorization: 'Bearer k', 'x-request-id': 'r-1' };
    const response = await app(at('/v1/collections', { headers }));
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toMatch(/secret|TypeError|\.ts|\.js/);
    expect(JSON.parse(text)).toMatchObject({ code: 'internal_error', request_id: 'r-1' });
    expect(failures).toEqual([{ requestId: 'r-1', method: 'GET', route: '/collections', error: bug }]);
  });

  test('between the server and its store are logged, because callers cannot mend them', async () => {
    const failures: Failure[] = [];
    const error = new CairnError('not_found', 'store_not_found', 'there is no bucket');
    const app = await testHandler(failing('listCollections', error), {
      keys: ['k'],
      onFailure: (failure) => failures.push(failure),
    });
    const response = await app(at('/v1/collections', { headers: { authorization: 'Bearer k' } }));
    expect(response.status).toBe(500);
    expect(failures).toMatchObject([{ error }]);
  });

  test('of a caller that leaves within the body are the caller’s', async () => {
    const failures: Failure[] = [];
    const database = await open('memory:');
    const app = await testHandler(database, { keys: ['k'], onFailure: (failure) => failures.push(failure) });
    // As workerd and Node's own streams say it.
    const body = new ReadableStream({
      pull: () => Promise.reject(new TypeError('Network connection lost.')),
    });
    const headers = { authorization: 'Bearer k', 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
    const response = await app(at('/v1/collections/c/query', init));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'body_cut_short' });
    expect(failures).toEqual([]);
  });

  test('of ours that have a code keep it, and nothing else', async () => {
    const error = new CairnError('internal', 'assertion_failed', 'secret state', { details: { secret: 1 } });
    const app = await testHandler(failing('listCollections', error), { keys: ['k'] });
    const response = await app(at('/v1/collections', { headers: { authorization: 'Bearer k' } }));
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: 'assertion_failed' });
    expect(text).not.toContain('secret');
  });

  test.each([
    ['quota', 429, '7'],
    ['unavailable', 503, '7'],
    ['corrupt', 500, '7'],
    ['forbidden', 403, '7'],
    ['conflict', 409, '7'],
  ] as const)('of kind %s are %i', async (kind, status, retryAfter) => {
    const error = new CairnError(kind, 'some_code', 'softDeleteDays is wrong', {
      details: { slotsMax: 3, differing: ['softDeleteDays'] },
      outcome: 'unknown',
      retryAfterS: 6.2,
    });
    const app = await testHandler(failing('listCollections', error), { keys: ['k'] });
    const response = await app(at('/v1/collections', { headers: { authorization: 'Bearer k' } }));
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe(retryAfter);
    expect(await response.json()).toMatchObject({
      code: 'some_code',
      detail: 'soft_delete_days is wrong',
      outcome: 'unknown',
      details: { slots_max: 3, differing: ['soft_delete_days'] },
    });
  });

  test('of a store that cannot be reached make the server not ready, not unhealthy', async () => {
    const app = await testHandler(
      failing('ping', new CairnError('unavailable', 'store_unreachable', 'no answer')),
      { keys: ['k'] },
    );
    expect((await app(at('/ready'))).status).toBe(503);
    expect((await app(at('/health'))).status).toBe(200);
  });

  test('of damaged objects name key and offset, and other collections go on', async () => {
    const store = watchedStore(() => Promise.resolve());
    const first = await open('memory:', { store });
    for (const name of ['good', 'bad']) {
      const collection = await first.createCollection(name, { dimension: 2 });
      await collection.upsert({ ids: ['a'], vectors: [[1, 1]] });
    }
    const logs = (await store.list('c/')).map(({ key }) => key).filter((key) => key.includes('/log/'));
    const app = await testHandler(await open('memory:', { store }), {
      exposure: 'hosted',
      allowAnonymous: true,
    });
    const damaged = await store.get(logs[0]!);
    if (damaged.status !== 'found') throw new Error('the slot is there');
    damaged.bytes[100]! ^= 1;
    await store.put(logs[0]!, damaged.bytes, { if: 'any' });
    const answers = await Promise.all(
      ['good', 'bad'].map(async (name) => app(at(`/v1/collections/${name}/count`, { method: 'POST' }))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 500]));
    const refused = answers.find(({ status }) => status === 500)!;
    expect(await refused.json()).toMatchObject({
      code: 'corrupt_object',
      details: { key: logs[0], offset: expect.any(Number) as number },
    });
  });
});

describe('messages', () => {
  test('HEAD has the length of the body, and no body', async () => {
    const app = await testHandler(await open('memory:'), { keys: ['k'] });
    const response = await app(at('/health', { method: 'HEAD' }));
    expect(response.body).toBeNull();
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(10);
  });

  test.each([
    ['2', '{', 'body_cut_short'],
    ['2', '{"vector":[1,1]}', 'body_too_large'],
    ['9223372036854775807', '{', 'body_too_large'],
  ])('a body that is not %s bytes long as it says is refused: %s', async (length, body, code) => {
    const app = await testHandler(await open('memory:'), { keys: ['k'] });
    const headers = {
      authorization: 'Bearer k',
      'content-type': 'application/json',
      'content-length': length,
    };
    const response = await app(at('/v1/collections/c/query', { method: 'POST', headers, body }));
    expect(await response.json()).toMatchObject({ code });
  });

  test('the headers of a write reach the engine', async () => {
    const seen: unknown[] = [];
    const database = {
      collection: () => ({
        restore: (input: unknown, options: unknown) => {
          seen.push(input, options);
          return Promise.resolve({ restored: 0, missing: 1, sequence: 1 });
        },
      }),
    } as unknown as Database;
    const app = await testHandler(database, { keys: ['k'] });
    const headers = {
      authorization: 'Bearer k',
      'content-type': 'application/json',
      'idempotency-key': 'the key',
      'cairn-first-tail': '41',
    };
    const body = '{"ids":["a"]}';
    const response = await app(at('/v1/collections/c/restore', { method: 'POST', headers, body }));
    expect(response.status).toBe(200);
    expect(seen).toEqual([{ ids: ['a'] }, { idempotencyKey: 'the key', firstTail: 41 }]);
  });
});

describe('metrics', () => {
  test('count each request in every bucket that it fits', async () => {
    const ticks = [0, 3, 10, 10 + 40_000];
    const clock = { wallMs: () => 0, monotonicMs: () => ticks.shift() ?? 50_010 };
    const app = await testHandler(await open('memory:'), { exposure: 'hosted', allowAnonymous: true, clock });
    await app(at('/health'));
    await app(at('/health'));
    const text = await (await app(at('/metrics'))).text();
    const bucket = (le: string): number =>
      Number(
        new RegExp(
          `^cairn_http_request_seconds_bucket\\{route="/health",method="GET",le="${le}"\\} (\\d+)$`,
          'm',
        ).exec(text)?.[1],
      );
    expect(['0.001', '0.0025', '0.005', '30', '\\+Inf'].map(bucket)).toEqual([0, 0, 1, 1, 2]);
    expect(text).toMatch(/^cairn_http_request_seconds_sum\{route="\/health",method="GET"\} 40\.003$/m);
  });
});

describe('readiness', () => {
  test('asks the store at most once a second', async () => {
    let pings = 0;
    let nowMs = 0;
    const database = {
      ping: () => {
        pings++;
        return Promise.resolve();
      },
    } as unknown as Database;
    const app = await testHandler(database, {
      keys: ['k'],
      clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
    });
    for (let i = 0; i < 5; i++) await app(at('/ready'));
    expect(pings).toBe(1);
    nowMs = 1_000;
    await app(at('/ready'));
    expect(pings).toBe(2);
  });
});
