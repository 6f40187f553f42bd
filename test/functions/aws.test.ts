/**
 * The Lambda handler with events as API Gateway and function URLs send them, over a store in memory: what the emulators of
 * test/runtime do not send, and what a whole payload bounds.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Writable } from 'node:stream';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type * as aws from '../../functions/aws/index.js';

type Module = typeof aws;
type Result = APIGatewayProxyStructuredResultV2;

let log: string[] = [];
beforeEach(() => {
  log = [];
  vi.resetModules();
  vi.spyOn(console, 'log').mockImplementation((line: string) => void log.push(line));
  vi.stubEnv('CAIRN_STORE', 'memory:');
  vi.stubEnv('CAIRN_ALLOW_ANONYMOUS', 'true');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const load = (): Promise<Module> => import('../../functions/aws/index.js');

interface Sent {
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  readonly headers?: Record<string, string>;
  readonly query?: string;
  readonly stage?: string;
}

/** As https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html shows one. */
function eventOf(method: string, path: string, sent: Sent = {}): APIGatewayProxyEventV2 {
  const { body, isBase64Encoded = false, query = '', stage = '$default' } = sent;
  const headers = { host: 'id.execute-api.eu-central-1.amazonaws.com', ...sent.headers };
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    requestContext: {
      accountId: '123456789012',
      apiId: 'id',
      domainName: 'id.execute-api.eu-central-1.amazonaws.com',
      domainPrefix: 'id',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      requestId: 'r',
      routeKey: '$default',
      stage,
      time: '12/Mar/2020:19:03:58 +0000',
      timeEpoch: 1_583_348_638_390,
    },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded,
  };
}

const jsonOf = ({ body, isBase64Encoded }: Result): Record<string, unknown> =>
  JSON.parse(isBase64Encoded === true ? Buffer.from(body!, 'base64').toString() : body!) as never;

const call = (module: Module, method: string, path: string, body?: object): Promise<Result> =>
  module.handler(eventOf(method, path, body === undefined ? {} : { body: JSON.stringify(body) }));

/** Of quotes, of which each is two characters of JSON, and four in a text that is JSON again. */
async function storeQuotes(module: Module, records: number): Promise<void> {
  expect(await call(module, 'PUT', '/v1/collections/c', { dimension: 1 })).toMatchObject({ statusCode: 201 });
  const metadata = { quotes: '"'.repeat(30_000) };
  for (let first = 0; first < records; first += 20) {
    const rows = Array.from({ length: Math.min(20, records - first) }, (_, i) => ({
      ...{ id: `r${first + i}`, vector: [1] },
      metadata,
    }));
    expect(await call(module, 'POST', '/v1/collections/c/upsert', { records: rows })).toMatchObject({
      statusCode: 200,
    });
  }
}

describe('events', () => {
  test('texts and bytes are bodies', async () => {
    const module = await load();
    const made = await call(module, 'PUT', '/v1/collections/c', { dimension: 2 });
    expect(made).toMatchObject({ statusCode: 201, isBase64Encoded: false });
    const rows = JSON.stringify({ records: [{ id: 'ä', vector: [1, 2], metadata: { title: 'Käse' } }] });
    const body = gzipSync(rows).toString('base64');
    const headers = { 'content-encoding': 'gzip' };
    const upserted = await module.handler(
      eventOf('POST', '/v1/collections/c/upsert', { body, isBase64Encoded: true, headers }),
    );
    expect(jsonOf(upserted)).toMatchObject({ upserted: 1 });
    const found = await call(module, 'POST', '/v1/collections/c/query', { vector: [1, 2] });
    expect(jsonOf(found)).toMatchObject({ matches: [{ id: 'ä', metadata: { title: 'Käse' } }] });
  });

  test('queries of the URL arrive, and an answer without a body has none', async () => {
    const module = await load();
    await call(module, 'PUT', '/v1/collections/c', { dimension: 2 });
    const page = await module.handler(eventOf('GET', '/v1/collections', { query: 'limit=1&prefix=c' }));
    expect(jsonOf(page)).toMatchObject({ collections: [{ name: 'c' }] });
    const dropped = await call(module, 'DELETE', '/v1/collections/c');
    expect(dropped.statusCode).toBe(204);
    expect(dropped).not.toHaveProperty('body');
  });

  test('the name of a stage is no part of the path', async () => {
    const module = await load();
    for (const path of ['/prod/health', '/prodigal']) {
      const { statusCode } = await module.handler(eventOf('GET', path, { stage: 'prod' }));
      expect(statusCode, path).toBe(path === '/prod/health' ? 200 : 404);
    }
    expect((await module.handler(eventOf('GET', '/prod', { stage: 'prod' }))).statusCode).toBe(404);
  });

  test.each([
    '/v1/collections/a b',
    '/v1/collections/ü',
    '/v1/collections/a?b',
    '/v1/collections/\ud800',
    '//',
  ])('a path that was decoded on its way is a path: %j', async (path) => {
    const answer = await (await load()).handler(eventOf('GET', path));
    expect([400, 404]).toContain(answer.statusCode);
    expect(jsonOf(answer)).toHaveProperty('code');
  });

  test('a host that makes no URL is none of the handler’s business', async () => {
    const answer = await (await load()).handler(eventOf('GET', '/health', { headers: { host: 'a b/@' } }));
    expect(answer.statusCode).toBe(200);
  });
});

describe('payloads', () => {
  test('a body over what Lambda takes is refused by its name', async () => {
    const body = JSON.stringify({ ids: ['a'], vectors: [[1]], padding: 'x'.repeat(6_291_556) });
    const answer = await (await load()).handler(eventOf('POST', '/v1/collections/c/upsert', { body }));
    expect(answer.statusCode).toBe(413);
    expect(jsonOf(answer)).toMatchObject({
      code: 'body_too_large',
      details: { limit: 'bodyBytes', maximum: 6_291_556, platform: 'AWS Lambda' },
      detail: expect.stringContaining('6291556 (bodyBytes of AWS Lambda)') as unknown,
    });
  });

  test('an answer whose text would be too long as JSON goes as base64, and a longer one is refused', async () => {
    const module = await load();
    await storeQuotes(module, 100);
    const fetchOf = (count: number): Promise<Result> =>
      call(module, 'POST', '/v1/collections/c/fetch', {
        ids: Array.from({ length: count }, (_, i) => `r${i}`),
      });
    const short = await fetchOf(10);
    expect(short.isBase64Encoded).toBe(false);
    expect((jsonOf(short)['records'] as unknown[]).length).toBe(10);
    const long = await fetchOf(70);
    expect(long.isBase64Encoded).toBe(true);
    expect((jsonOf(long)['records'] as unknown[]).length).toBe(70);
    // What Lambda would take as a whole.
    expect(JSON.stringify(long).length).toBeLessThanOrEqual(6_291_556);
    const longer = await fetchOf(100);
    expect(jsonOf(longer)).toMatchObject({
      status: 400,
      code: 'answer_too_large',
      details: { limit: 'answerBytes', platform: 'AWS Lambda' },
    });
  });

  test('a stream has room for it', async () => {
    vi.stubGlobal('awslambda', lambdaStandIn);
    const module = await load();
    const streamed = module.streamed as (event: unknown) => Promise<Streamed>;
    const send = (method: string, path: string, body: object): Promise<Streamed> =>
      streamed(eventOf(method, path, { body: JSON.stringify(body) }));
    expect(await send('PUT', '/v1/collections/c', { dimension: 1 })).toMatchObject({ statusCode: 201 });
    const metadata = { quotes: '"'.repeat(30_000) };
    for (let n = 0; n < 100; n += 20) {
      const records = Array.from({ length: 20 }, (_, i) => ({ id: `r${n + i}`, vector: [1], metadata }));
      await send('POST', '/v1/collections/c/upsert', { records });
    }
    const ids = Array.from({ length: 100 }, (_, i) => `r${i}`);
    const { statusCode, headers, body } = await send('POST', '/v1/collections/c/fetch', { ids });
    expect(statusCode).toBe(200);
    expect(body.length).toBe(Number(headers['content-length']));
    expect((JSON.parse(body.toString()) as { records: unknown[] }).records.length).toBe(100);
  });

  test('the head of a stream is sent, also before a body of nothing', async () => {
    vi.stubGlobal('awslambda', lambdaStandIn);
    const streamed = (await load()).streamed as (event: unknown) => Promise<Streamed>;
    for (const method of ['GET', 'HEAD']) {
      const { statusCode, headers, body } = await streamed(eventOf(method, '/health'));
      expect(statusCode, method).toBe(200);
      expect(headers['content-type'], method).toBe('application/json');
      expect(body.length > 0, method).toBe(method === 'GET');
    }
  });

  test('a stream is told where there is none', async () => {
    const { streamed } = await load();
    expect(streamed).toThrow('RESPONSE_STREAM');
  });
});

interface Streamed {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * A stand-in for the global of Lambda's runtime: gathers what is written. As in https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
 * the head goes before the first `write`, and `end` with a body is none.
 */
const lambdaStandIn = {
  streamifyResponse:
    (handle: (event: unknown, stream: Writable) => Promise<void>) =>
    async (event: unknown): Promise<Streamed> => {
      const chunks: Buffer[] = [];
      const stream = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          chunks.push(chunk);
          done();
        },
      });
      await handle(event, stream);
      return { ...sentHeads.get(stream)!, body: Buffer.concat(chunks) };
    },
  HttpResponseStream: {
    from: (stream: Writable, head: Omit<Streamed, 'body'>): Writable => {
      const write = stream.write.bind(stream) as (chunk: unknown) => boolean;
      stream.write = (chunk: unknown): boolean => {
        sentHeads.set(stream, head);
        return write(chunk);
      };
      return stream;
    },
  },
};
const sentHeads = new WeakMap<Writable, Omit<Streamed, 'body'>>();

describe('the schedule', () => {
  test('compacts, and ends before the function would be ended', async () => {
    const module = await load();
    await call(module, 'PUT', '/v1/collections/c', { dimension: 1 });
    for (let n = 0; n < 70; n++) {
      const row = { ids: [`r${n}`], vectors: [[n + 1]] };
      expect((await call(module, 'POST', '/v1/collections/c/upsert', row)).statusCode).toBe(200);
    }
    // Without this it would wait a minute for what it has fenced.
    const context = { getRemainingTimeInMillis: () => 17_000 } as Context;
    await module.scheduled({}, context);
    const stats = jsonOf(await call(module, 'GET', '/v1/collections/c/stats'));
    expect(stats).toMatchObject({ log: { slots: 0 }, segments: [{ rows: 70 }] });
    const line = log.map((text) => JSON.parse(text) as object).find((found) => 'compacted' in found);
    expect(line).toMatchObject({ level: 'info', part: 'maintenance', compacted: 1, rows_written: 70 });
  });
});

test('a directory that is named by a whole URL is the one that other processes open by it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-lambda-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  vi.stubEnv('CAIRN_STORE', `file://${folder}/store`);
  const module = await load();
  expect((await call(module, 'PUT', '/v1/collections/c', { dimension: 1 })).statusCode).toBe(201);
  expect(readdirSync(folder)).toEqual(['store']);
});

describe('settings at fault', () => {
  test.each([
    [{ CAIRN_STORE: '' }, 'no_store_configured'],
    [{ CAIRN_STOR: 'memory:' }, 'did you mean CAIRN_STORE?'],
    [{ CAIRN_STORE: 'bogus://secret-bucket' }, 'invalid_store_url'],
    [{ CAIRN_API_KEYS: 'two words' }, 'CAIRN_API_KEYS must be keys'],
  ])('%j: callers are told no more than that, the log the rest', async (environment, told) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const answer = await call(await load(), 'GET', '/v1/collections');
    expect(jsonOf(answer)).toMatchObject({ status: 503, code: 'misconfigured' });
    expect(answer.body).not.toMatch(/CAIRN_|secret|bogus/);
    expect(log.join('\n')).toContain(told);
  });

  test('of which requests are told nothing are what the scheduled event fails with', async () => {
    vi.stubEnv('CAIRN_CACHE_DIRECTORY', '/tmp/cache');
    const module = await load();
    const answer = await call(module, 'GET', '/v1/collections');
    expect(jsonOf(answer)).toMatchObject({ status: 503, code: 'misconfigured' });
    expect(log.join('\n')).toContain('warm_cache_unfit');
    const context = { getRemainingTimeInMillis: () => 17_000 } as Context;
    await expect(module.scheduled({}, context)).rejects.toMatchObject({ code: 'warm_cache_unfit' });
  });

  test('are read again by the next event', async () => {
    const module = await load();
    vi.stubEnv('CAIRN_STORE', '');
    expect((await call(module, 'GET', '/v1/collections')).statusCode).toBe(503);
    vi.stubEnv('CAIRN_STORE', 'memory:');
    expect((await call(module, 'GET', '/v1/collections')).statusCode).toBe(200);
  });

  test('without keys nothing is served and the store is not opened', async () => {
    vi.stubEnv('CAIRN_ALLOW_ANONYMOUS', 'false');
    vi.stubEnv('CAIRN_STORE', 's3://nowhere?endpoint=http://127.0.0.1:1');
    const module = await load();
    expect((await call(module, 'GET', '/health')).statusCode).toBe(200);
    expect(jsonOf(await call(module, 'GET', '/v1/collections'))).toMatchObject({
      status: 503,
      code: 'no_keys_configured',
    });
    expect(log).toEqual([]);
  });
});
