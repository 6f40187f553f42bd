/**
 * The command as users run it: the built file in a process of its own, in an empty directory; wrong calls but a few in this process.
 *
 * Held: exit codes and one-line errors; `serve` says when it is ready, and after SIGTERM every write that it answered is
 * in the store; the other commands see what servers wrote.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../../cli/program.js';
import { Client } from '../http/suite/client.js';
import { run, start } from './command.js';
import type { Ended, Running } from './command.js';

let directory: string;
let running: Running[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cairn-cli-'));
});

afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
  running = [];
  await rm(directory, { recursive: true, force: true });
});

function serve(args: readonly string[] = [], environment: Readonly<Record<string, string>> = {}): Running {
  const server = start(['serve', '--port', '0', ...args], { directory, environment });
  running.push(server);
  return server;
}

const call = (...args: readonly string[]): Promise<Ended> => run(args, { directory });

/** As `main` calls it, in this process: where many ways to call it wrongly differ by what they print. */
async function callInside(...args: readonly string[]): Promise<Omit<Ended, 'signal'>> {
  const ended = { out: '', error: '' };
  const code = await runCommand(args, {
    ...{ environment: {}, directory },
    out: (line) => (ended.out += `${line}\n`),
    error: (line) => (ended.error += `${line}\n`),
  });
  return { code, ...ended };
}

async function stop(server: Running, signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
  server.child.kill(signal);
  return server.ended;
}

describe('usage', () => {
  test('--version and --help', async () => {
    expect(await call('--version')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
      error: '',
    });
    const help = await call('--help');
    expect(help).toMatchObject({ code: 0, error: '' });
    for (const word of [
      'serve',
      'collect',
      'compact',
      'scrub',
      'snapshots',
      'restore',
      'branch',
      'export',
      'import',
      'stats',
      'Exit codes: 0 done, 1 failed, 2',
    ])
      expect(help.out).toContain(word);
    const serving = await call('serve', '--help');
    expect(serving.code).toBe(0);
    for (const flag of ['--store', '--port', '--host', '--demo', '--config'])
      expect(serving.out).toContain(flag);
  });

  test.each<[string, readonly string[], number, string]>([
    ['an unknown flag', ['serve', '--prot', '1'], 2, "cairn: unknown option '--prot' (Did you mean --port?)"],
    ['an unknown command', ['stat'], 2, "cairn: unknown command 'stat' (Did you mean stats?)"],
    ['a flag without its value', ['serve', '--port'], 2, "cairn: option '--port <value>' argument missing"],
    [
      'too many arguments',
      ['stats', 'a', 'b'],
      2,
      "cairn: too many arguments for 'stats'. Expected 1 argument but got 2.",
    ],
    [
      'a port that is none',
      ['serve', '--port', 'http'],
      2,
      'cairn: --port must be an integer from 0 to 65535, got "http"',
    ],
    [
      'a wrong store URL',
      ['serve', '--store', 's4://bucket'],
      2,
      'cairn: store "s4://bucket" is neither file:PATH, s3://BUCKET/PREFIX, az://CONTAINER/PREFIX, gs://BUCKET/PREFIX nor memory:',
    ],
    [
      'a settings file that is not there',
      ['serve', '--config', 'other.toml'],
      2,
      'cairn: cannot read other.toml: no such file',
    ],
    [
      'a host beyond this machine without keys',
      ['serve', '--host', '192.0.2.1'],
      2,
      'cairn: refusing to listen on 192.0.2.1',
    ],
    [
      'an export without a folder',
      ['export', 'c'],
      2,
      "cairn: required option '--out <folder>' not specified",
    ],
    [
      'an export as something else',
      ['export', 'c', '--out', 'folder', '--format', 'csv'],
      2,
      'cairn: --format must be ndjson or parquet, got "csv"',
    ],
    [
      'an import under a metric that is none',
      ['import', 'folder', '--metric', 'l2'],
      2,
      'cairn: --metric must be one of cosine, euclidean, dot, manhattan, got "l2"',
    ],
    [
      'an import of nothing',
      ['import', 'nowhere', '--store', 'memory:'],
      2,
      'nowhere: there is no such file or folder',
    ],
    [
      'a restore to nothing',
      ['restore', 'c'],
      2,
      'cairn: which state? Give --snapshot, --sequence or --time',
    ],
    [
      'a restore to two states',
      ['restore', 'c', '--snapshot', 'x', '--sequence', '1'],
      2,
      'cairn: either --snapshot, --sequence or --time, not two of them',
    ],
    [
      'a branch of a sequence that is none',
      ['branch', 'c', 'd', '--sequence', '-1'],
      2,
      'cairn: --sequence must be an integer of at least 0, got "-1"',
    ],
    ['a branch without a name', ['branch', 'c'], 2, "cairn: missing required argument 'name'"],
    [
      'a snapshot of two states',
      ['snapshots', 'c', '--create', 'x', '--sequence', '1', '--time', '2030-01-01T00:00:00Z'],
      2,
      'cairn: either --sequence or --time, not both',
    ],
    [
      'a list of the snapshots of a time',
      ['snapshots', 'c', '--time', '2030-01-01T00:00:00Z'],
      2,
      'cairn: --sequence and --time go with --create',
    ],
    [
      'a store that is not there',
      ['stats', '--store', 'file:nowhere'],
      1,
      'cairn: there is no store directory',
    ],
  ])('%s is one line on stderr', async (_, args, code, message) => {
    const ended = await callInside(...args);
    expect(ended.error.trimEnd().split('\n')).toEqual([expect.stringContaining(message) as string]);
    expect(ended).toMatchObject({ code, out: '' });
    expect(await readdir(directory)).toEqual([]);
  });

  test('no command prints the help and exits with 2', async () => {
    const ended = await call();
    expect(ended.code).toBe(2);
    expect(ended.error).toContain('Usage: cairn');
  });

  test('a file where the store should be is refused', async () => {
    await writeFile(join(directory, 'file'), 'x');
    const ended = await call('serve', '--store', 'file:file');
    expect(ended.code).toBe(2);
    expect(ended.error).toMatch(/^cairn: .*is not a directory.*\n$/);
  });
});

describe('settings', () => {
  test('come from flags, then the environment, then cairn.toml', async () => {
    await writeFile(join(directory, 'cairn.toml'), 'store = "file:from-file"\napi_keys = ["from-file"]\n');
    const server = serve([], { CAIRN_STORE: 'file:from-environment' });
    const client = new Client(await server.url, { authorization: 'Bearer from-file' });
    expect((await client.put('/v1/collections/c', { dimension: 2 })).status).toBe(201);
    expect((await client.get('/v1/collections', { headers: { authorization: 'Bearer x' } })).status).toBe(
      401,
    );
    await stop(server);
    expect(await readdir(directory)).toContain('from-environment');
    expect(await readdir(directory)).not.toContain('from-file');
    const second = serve(['--store', 'file:from-flag']);
    await second.url;
    await stop(second);
    expect(await readdir(directory)).toContain('from-flag');
  });

  test('are refused where they stand', async () => {
    await writeFile(join(directory, 'cairn.toml'), 'prot = 1\n');
    expect((await call('serve')).error).toBe(
      'cairn: cairn.toml: key "prot" is not a setting: did you mean port?\n',
    );
    const ended = await run(['stats'], { directory, environment: { CAIRN_STROE: 'x' } });
    expect(ended).toMatchObject({
      code: 2,
      error: expect.stringContaining('CAIRN_STROE is not a setting: did you mean CAIRN_STORE?') as string,
    });
  });
});

describe('serve', () => {
  test('says what is anonymous and where it listens, and stops cleanly on SIGINT', async () => {
    const server = serve(['--store', 'memory:']);
    expect(await server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const ended = await stop(server, 'SIGINT');
    expect(ended).toMatchObject({ code: 0, signal: null, error: '' });
    expect(ended.out).toMatch(
      /^no API keys: anyone on this machine.*\nlistening on \S+\nSIGINT received, stopping\nstopped\n$/,
    );
  });

  test('names a port in use', async () => {
    const first = serve(['--store', 'memory:']);
    const { host } = new URL(await first.url);
    const ended = await call('serve', '--store', 'memory:', '--port', host.split(':')[1]!);
    expect(ended).toMatchObject({ code: 1, out: '', error: `cairn: port in use: ${host}\n` });
  });

  test('loses no answered write when it is told to stop under load', async () => {
    const server = serve();
    const client = new Client(await server.url);
    await client.put('/v1/collections/c', { dimension: 2 });
    const answered: string[] = [];
    const writer = async (name: string): Promise<void> => {
      for (let i = 0; ; i++) {
        const id = `${name}-${i}`;
        try {
          const { status } = await client.post(
            '/v1/collections/c/upsert',
            { ids: [id], vectors: [[1, i]] },
            { judged: false },
          );
          if (status === 200) answered.push(id);
        } catch {
          return;
        }
      }
    };
    const writers = Array.from({ length: 8 }, (_, i) => writer(`w${i}`));
    while (answered.length < 40) await new Promise((resolve) => setTimeout(resolve, 5));
    const ended = await stop(server);
    await Promise.all(writers);
    expect(ended).toMatchObject({ code: 0, error: '' });

    const again = serve();
    const second = new Client(await again.url);
    const seen = new Set<unknown>();
    for (let cursor: unknown; ;) {
      const { json } = await second.post('/v1/collections/c/scan', {
        limit: 10_000,
        include: [],
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { id } of json['records'] as { id: string }[]) seen.add(id);
      cursor = json['cursor'];
      if (cursor === undefined) break;
    }
    expect(answered.filter((id) => !seen.has(id))).toEqual([]);
    await stop(again);
  });

  test('loads the demo once, and prints a line that asks it', async () => {
    const server = serve(['--demo']);
    const client = new Client(await server.url);
    const first = (await client.get('/v1/collections/docs')).json;
    expect(first['count']).toBeGreaterThan(10);
    expect((await stop(server)).out).toContain(`curl -s ${client.url}/v1/collections/docs/query`);
    const again = serve(['--demo']);
    expect((await new Client(await again.url).get('/v1/collections/docs')).json).toEqual(first);
    await stop(again);
  });
});

describe('a compaction that a request asks for', () => {
  async function filled(server: Running): Promise<Client> {
    const client = new Client(await server.url);
    await client.put('/v1/collections/c', { dimension: 2 });
    await client.post('/v1/collections/c/upsert', { ids: ['a'], vectors: [[1, 1]] });
    return client;
  }
  const compact = (client: Client) => client.post('/v1/collections/c/compact', {});

  test.each([['with the thread'], ['without it', '--no-maintenance']])(
    '%s is answered when the next read sees what came of it',
    async (_, ...args) => {
      const server = serve(args);
      const client = await filled(server);
      expect(await compact(client)).toMatchObject({
        status: 200,
        json: { folded_slots: 1, segments_written: 1, rows_written: 1, sequence: 1 },
      });
      const { json } = await client.get('/v1/collections/c/stats?consistency=eventual');
      expect(json).toMatchObject({ segments: [{ rows: 1 }], log: { slots: 0 } });
      expect(await client.post('/v1/collections/d/compact', {})).toMatchObject({
        status: 404,
        json: { code: 'collection_not_found' },
      });
      expect(await stop(server)).toMatchObject({ code: 0, error: '' });
    },
  );

  test('is a 503 where the thread ends meanwhile; the next one has a new thread', async () => {
    const trigger = join(directory, 'end-the-thread');
    const preload = new URL('./ending-thread.mjs', import.meta.url);
    const server = serve([], { NODE_OPTIONS: `--import ${preload.href}`, END_THREAD_IF: trigger });
    const client = await filled(server);
    await writeFile(trigger, '');
    const lost = await compact(client);
    expect(lost).toMatchObject({ status: 503, json: { code: 'compactor_lost', outcome: 'unknown' } });
    expect(lost.headers['retry-after']).toBe('1');
    await client.post('/v1/collections/c/upsert', { ids: ['b'], vectors: [[1, 2]] });
    expect(await compact(client)).toMatchObject({ status: 200, json: { sequence: 2, rows_written: 2 } });
    const { code, error } = await stop(server);
    expect(code).toBe(0);
    expect(JSON.parse(error)).toMatchObject({
      part: 'maintenance',
      error: expect.stringContaining('ended with exit code 7') as string,
    });
  });
});

describe('commands on a store', () => {
  async function filled(): Promise<void> {
    const server = serve();
    const client = new Client(await server.url);
    for (const name of ['papers', 'images']) await client.put(`/v1/collections/${name}`, { dimension: 2 });
    await client.post('/v1/collections/papers/upsert', {
      ids: ['a', 'b'],
      vectors: [
        [1, 1],
        [2, 1],
      ],
    });
    await client.post('/v1/collections/papers/delete', { ids: ['a'], soft: true });
    await stop(server);
  }

  test('stats lists all collections, or tells all of one', async () => {
    await filled();
    const all = await call('stats');
    expect(all).toMatchObject({ code: 0, error: '' });
    expect(all.out).toMatch(/^collection +records +sequence.*\nimages +0 +0 .*\npapers +1 +2 .*\n$/);
    const one = await call('stats', 'papers');
    expect(one.out).toMatch(/^records +1 visible, 1 soft-deleted, 0 expired$/m);
    expect(JSON.parse((await call('stats', 'papers', '--json')).out)).toMatchObject({
      name: 'papers',
      sequence: 2,
      records: { visible: 1, soft_deleted: 1 },
    });
    expect(JSON.parse((await call('stats', '--json')).out)).toMatchObject([
      { name: 'images' },
      { name: 'papers' },
    ]);
    expect(await call('stats', 'nobody')).toMatchObject({
      code: 1,
      out: '',
      error: expect.stringContaining('nobody') as string,
    });
  });

  test('snapshots makes, lists and deletes states that are kept', async () => {
    await filled();
    expect((await call('snapshots', 'papers')).out).toBe('no snapshots of papers\n');
    const made = await call('snapshots', 'papers', '--create', 'one');
    expect(made).toMatchObject({ code: 0, error: '' });
    expect(made.out).toMatch(/^snapshot +sequence +created +segments\none +2 +\d{4}-.*\n$/);
    expect(JSON.parse((await call('snapshots', 'papers', '--json')).out)).toMatchObject([
      { name: 'one', sequence: 2, bytes: 0 },
    ]);
    const twice = await call('snapshots', 'papers', '--create', 'one', '--delete', 'one');
    expect(twice).toMatchObject({ code: 2, error: 'cairn: either --create or --delete, not both\n' });
    expect((await call('snapshots', 'papers', '--delete', 'one')).out).toBe('no snapshots of papers\n');
    const gone = await call('snapshots', 'papers', '--delete', 'one');
    expect(gone).toMatchObject({
      code: 1,
      error: expect.stringContaining('there is no snapshot one') as string,
    });
    expect(await call('snapshots')).toMatchObject({ code: 2 });
  });

  test('restore takes a collection back to a snapshot, a sequence or a time', async () => {
    await filled();
    const visible = async (): Promise<unknown> =>
      (JSON.parse((await call('stats', 'papers', '--json')).out) as { records: { visible: number } }).records
        .visible;
    const then = new Date().toISOString();
    await call('snapshots', 'papers', '--create', 'whole', '--sequence', '1');
    const back = await call('restore', 'papers', '--snapshot', 'whole');
    expect(back).toMatchObject({ code: 0, error: '', out: 'papers: at sequence 3, as it was at 1\n' });
    expect(await visible()).toBe(2);
    expect(JSON.parse((await call('restore', 'papers', '--time', then, '--json')).out)).toEqual({
      name: 'papers',
      sequence: 4,
      restored: 2,
    });
    expect(await visible()).toBe(1);
    expect((await call('restore', 'papers', '--sequence', '0')).code).toBe(0);
    expect(await visible()).toBe(0);
    const listed = (await call('snapshots', 'papers', '--create', 'then', '--time', then, '--json')).out;
    expect(JSON.parse(listed)).toMatchObject([
      { name: 'whole', sequence: 1 },
      { name: 'then', sequence: 2 },
    ]);
    for (const [point, code, message] of [
      [['--sequence', '99'], 2, 'as_of 99 has not happened yet: the collection is at sequence 5'],
      [['--time', '2999-01-01T00:00:00Z'], 2, 'as_of 2999-01-01T00:00:00.000Z is still to come'],
      [['--time', 'noon'], 2, 'as_of must be a sequence or an RFC 3339 date-time, got "noon"'],
      [['--snapshot', 'none'], 1, 'there is no snapshot none'],
    ] as const)
      expect(await call('restore', 'papers', ...point)).toMatchObject({
        code,
        out: '',
        error: `cairn: ${message}\n`,
      });
    expect(await call('restore', 'nobody', '--sequence', '1')).toMatchObject({ code: 1, out: '' });
  });

  test('branch makes a collection of a state of another', async () => {
    await filled();
    await call('snapshots', 'papers', '--create', 'both', '--sequence', '1');
    expect(await call('branch', 'papers', 'newest')).toMatchObject({
      code: 0,
      error: '',
      out: 'newest: a branch of papers, from sequence 2 on\n',
    });
    const named = await call('branch', 'papers', 'older', '--snapshot', 'both', '--json');
    expect(JSON.parse(named.out)).toEqual({ name: 'older', sequence: 1 });
    expect((await call('stats')).out).toMatch(/^newest +1 +2 .*\nolder +2 +1 /m);
    expect(await call('branch', 'papers', 'images')).toMatchObject({
      code: 1,
      out: '',
      error: expect.stringMatching(/^cairn: collection images exists.*\n$/) as string,
    });
    expect(await call('branch', 'papers', 'a b')).toMatchObject({ code: 2, out: '' });
    expect(await call('branch', 'papers', 'none', '--sequence', '99')).toMatchObject({ code: 2, out: '' });
  });

  test('stats of an empty store says so', async () => {
    await mkdir(join(directory, '.cairn'));
    expect((await call('stats')).out).toMatch(/^no collections in /);
  });

  test('compact and collect say what they did', async () => {
    await filled();
    // Before there is anything to collect: it would wait out the fence.
    expect(await call('collect')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^deleted 0 objects/) as string,
    });
    expect(JSON.parse((await call('collect', '--json')).out)).toEqual({
      objects: 0,
      bytes: 0,
      collections: 0,
    });
    expect((await call('compact')).out).toMatch(
      /^images: folded 0 log slots, wrote 0 segments.*\npapers: folded 2 log slots, wrote 1 segments.*\n$/,
    );
    expect(JSON.parse((await call('compact', 'papers', '--json')).out)).toMatchObject({
      name: 'papers',
      folded_slots: 0,
      sequence: 2,
    });
  });

  test('scrub says what it looked at, and ends with 1 where something is wrong', async () => {
    await filled();
    const clean = await call('scrub');
    expect(clean).toMatchObject({ code: 0, error: '' });
    expect(clean.out).toMatch(/^papers: 3 of 3 objects, .* checked$/m);
    expect(clean.out).toMatch(/^2 collections: 0 errors, 0 notices; \d+ requests, .* read$/m);
    expect(JSON.parse((await call('scrub', 'papers', '--json')).out)).toMatchObject({
      errors_total: 0,
      collections: [{ name: 'papers', state: 'active', findings: [] }],
    });
    const slots = (await readdir(join(directory, '.cairn'), { recursive: true })).filter(
      (path) => path.includes('/log/') && path.endsWith('.obj'),
    );
    const slot = join(directory, '.cairn', slots[0]!);
    const bytes = await readFile(slot);
    bytes[200]! ^= 1;
    await writeFile(slot, bytes);
    const damaged = await call('scrub', '--json');
    expect(damaged).toMatchObject({
      code: 1,
      error: expect.stringMatching(/^cairn: 1 error in .*\n$/) as string,
    });
    const { collections } = JSON.parse(damaged.out) as { collections: { findings: object[] }[] };
    expect(collections.flatMap(({ findings }) => findings)).toMatchObject([
      { code: 'slot_corrupt', severity: 'error', offset: 0 },
    ]);
    expect((await call('scrub', 'papers')).out).toMatch(
      /^ {2}error slot_corrupt: c\/.*\/log\/.* at byte 0: /m,
    );
    expect((await call('scrub', 'nobody')).error).toContain('there is no collection nobody');
  });

  test('scrub --repair brings a name back', async () => {
    await filled();
    const entry = join(
      directory,
      '.cairn/catalog',
      '0'.repeat(32),
      `${Buffer.from('papers').toString('hex')}.obj`,
    );
    await rm(entry);
    expect((await call('scrub')).out).toContain('error entry_missing: catalog/');
    expect(await call('scrub', '--repair')).toMatchObject({
      code: 1,
      out: expect.stringContaining('error entry_missing (repaired): catalog/') as string,
    });
    expect(await call('scrub')).toMatchObject({ code: 0 });
    expect((await call('stats', 'papers')).out).toMatch(/^sequence +2$/m);
  });

  test('a server maintains in a thread of its own, which ends with it, unless told not to', async () => {
    const mark = join(directory, '.cairn/work/pass.obj');
    const without = serve(['--no-maintenance']);
    await without.url;
    expect(await stop(without)).toMatchObject({ code: 0, error: '' });
    expect(existsSync(mark)).toBe(false);
    const server = serve(['--maintenance-interval-ms', '100']);
    await server.url;
    // The pass of the day is the first thing that the first run does.
    while (!existsSync(mark)) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await stop(server)).toMatchObject({ code: 0, error: '' });
  });

  test('what fails in the maintenance thread is a line of the log, and the server goes on', async () => {
    // No file can be made in a directory's place, nor a directory in a file's.
    await mkdir(join(directory, '.cairn/work/pass.obj/x'), { recursive: true });
    const server = serve(['--maintenance-interval-ms', '100']);
    const client = new Client(await server.url);
    while (server.errorSoFar() === '') await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await client.put('/v1/collections/c', { dimension: 2 })).status).toBe(201);
    const { code, error } = await stop(server);
    expect(code).toBe(0);
    expect(JSON.parse(error.split('\n')[0]!)).toMatchObject({ level: 'error', part: 'maintenance' });
  });

  test('run beside a server, which goes on', async () => {
    const server = serve();
    const client = new Client(await server.url);
    await client.put('/v1/collections/c', { dimension: 2 });
    await client.post('/v1/collections/c/upsert', { ids: ['a'], vectors: [[1, 1]] });
    expect((await call('stats', 'c')).out).toMatch(/^sequence +1$/m);
    expect((await client.post('/v1/collections/c/count', {})).json).toMatchObject({ count: 1 });
    await stop(server);
  });
});
