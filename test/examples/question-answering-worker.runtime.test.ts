/**
 * Strategy: examples/question-answering-worker as `npm run deploy` would upload it, made by wrangler without a network, in workerd on
 * a bucket of R2: with its word hashing, and with a stand-in for the model of Workers AI (ai-stand-in.mjs).
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { root } from '../../scripts/set-up.mjs';
import { hasRuntimes } from '../runtime/install.js';
import { startWorker } from '../runtime/workerd.js';
import type { Worker, WorkerCode } from '../runtime/workerd.js';
import { copyExample } from './copied-example.js';

const key = 'a-secret-key';
const standIn = readFileSync(join(root, 'test/examples/ai-stand-in.mjs'), 'utf8');

function deploy(): { readonly worker: WorkerCode; readonly printed: string } {
  const example = copyExample('question-answering-worker');
  try {
    expect(example.run('types')).toBe('');
    const printed = example.run('deploy', '--dry-run', '--outdir', 'dist');
    const dist = join(example.folder, 'dist');
    const wasmName = readdirSync(dist).find((name) => name.endsWith('.wasm'))!;
    const code = readFileSync(join(dist, 'index.js'), 'utf8');
    const worker = { code, wasm: readFileSync(join(dist, wasmName)), wasmName };
    return { worker, printed };
  } finally {
    example.remove();
  }
}

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly json: Readonly<Record<string, unknown>>;
}

interface Passage {
  readonly text: string;
  readonly source: string | null;
  readonly document: string;
  readonly score: number;
  readonly metadata: object;
}

class Caller {
  readonly #url: string;

  constructor({ url }: Worker) {
    this.#url = url;
  }

  async call(path: string, init: RequestInit = {}, authorization = `Bearer ${key}`): Promise<Answer> {
    const response = await fetch(this.#url + path, { ...init, headers: { authorization } });
    const json = (await response.json()) as Answer['json'];
    return { status: response.status, type: response.headers.get('content-type'), json };
  }

  async add(...documents: readonly object[]): Promise<Answer> {
    return await this.call('/documents', { method: 'POST', body: JSON.stringify({ documents }) });
  }

  async ask(q: string, more: Readonly<Record<string, string>> = {}): Promise<readonly Passage[]> {
    const { status, json } = await this.call(`/ask?${new URLSearchParams({ q, ...more }).toString()}`);
    if (status !== 200) throw new Error(`the question was answered ${status}: ${JSON.stringify(json)}`);
    return json['passages'] as readonly Passage[];
  }
}

const whales = {
  id: 'whales',
  source: 'https://example.org/whales',
  text: 'Blue whales eat krill.\n\nThey sing in low notes.',
  metadata: { year: 2019, topic: 'animals' },
};
const bread = {
  id: 'bread',
  source: 'https://example.org/bread',
  text: 'Bread rises because yeast makes gas.',
  metadata: { year: 2023, topic: 'kitchen' },
};
const paragraphs = (count: number, word: string): string =>
  Array.from({ length: count }, (_, n) => `${word} ${n} ${'is one of many. '.repeat(50)}`).join('\n\n');

describe.skipIf(!hasRuntimes())('examples/question-answering-worker', () => {
  let deployed: ReturnType<typeof deploy>;

  beforeAll(() => {
    deployed = deploy();
  }, 300_000);

  it('is taken by wrangler, with its bindings', () => {
    expect(deployed.printed).toContain('env.BUCKET (question-answering)');
    expect(deployed.printed).toContain('env.AI');
    expect(deployed.printed).not.toMatch(/warning/i);
  });

  it('answers 503 before a key is set', async () => {
    const worker = await startWorker(deployed.worker, {}, ['BUCKET']);
    try {
      const caller = new Caller(worker);
      expect(await caller.call('/ask?q=x')).toMatchObject({
        status: 503,
        json: { code: 'no_key_configured' },
      });
    } finally {
      await worker.close();
    }
  });

  describe('with hashed words', () => {
    let worker: Worker;
    let caller: Caller;

    beforeAll(async () => {
      worker = await startWorker(deployed.worker, { API_KEY: key }, ['BUCKET']);
      caller = new Caller(worker);
    });

    it.each(['', 'Bearer wrong', `Basic ${key}`])('refuses "%s" for a key', async (authorization) => {
      const refused = { status: 401, type: 'application/problem+json', json: { code: 'key_required' } };
      expect(await caller.call('/ask?q=x', {}, authorization)).toMatchObject(refused);
      const add = { method: 'POST', body: JSON.stringify({ documents: [whales] }) };
      expect(await caller.call('/documents', add, authorization)).toMatchObject(refused);
    });

    it('says so where there is no document yet', async () => {
      expect(await caller.call('/ask?q=whales')).toMatchObject({
        status: 404,
        json: { code: 'no_documents', detail: expect.stringContaining('hashed-words-1') as string },
      });
    });

    it('answers early requests that come at once, each on its own', async () => {
      const answers = await Promise.all([caller.add(whales), caller.add(bread), caller.add(whales)]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(answers[0]?.json).toEqual({ documents: 1, passages: 1, embedder: 'hashed-words-1' });
      const asked = await Promise.all(Array.from({ length: 8 }, () => caller.ask('What do whales eat?')));
      for (const [best, ...others] of asked) {
        expect(best).toEqual({
          text: whales.text,
          source: whales.source,
          document: 'whales',
          score: expect.any(Number) as number,
          metadata: whales.metadata,
        });
        expect(best!.score).toBeGreaterThan(0.2);
        expect(others.map(({ document }) => document)).toEqual(['bread']);
      }
    });

    it('filters by the metadata of documents', async () => {
      const found = async (filter: string): Promise<readonly string[]> =>
        (await caller.ask('whales', { filter })).map(({ document }) => document);
      expect(await found("topic = 'kitchen'")).toEqual(['bread']);
      expect(await found('year >= 2019 AND year < 2023')).toEqual(['whales']);
      expect(await found('year > 2100')).toEqual([]);
      expect(await caller.call('/ask?q=x&filter=year%20>>%201')).toMatchObject({ status: 400 });
    });

    it('cuts documents, and replaces all of one at once', async () => {
      const long = { id: 'long', text: paragraphs(12, 'quartz'), metadata: { topic: 'stones' } };
      expect((await caller.add(long)).json).toMatchObject({ passages: 12 });
      const asked = (): Promise<readonly Passage[]> =>
        caller.ask('quartz', { count: '50', filter: "topic = 'stones'" });
      expect(new Set((await asked()).map(({ text }) => text)).size).toBe(12);
      expect((await asked()).every(({ text, source }) => text.length <= 1_000 && source === null)).toBe(true);
      expect((await caller.add({ ...long, text: paragraphs(2, 'quartz') }, bread)).json).toMatchObject({
        documents: 2,
        passages: 3,
      });
      expect(await asked()).toHaveLength(2);
      expect((await caller.add({ ...long, text: '' })).json).toMatchObject({ passages: 0 });
      expect(await asked()).toEqual([]);
      expect(await caller.ask('bread', { count: '1' })).toMatchObject([{ document: 'bread' }]);
    });

    it('cuts a paragraph that is too long between words, and a word where it has to', async () => {
      const text = `${'lapis lazuli '.repeat(200)}${'x'.repeat(2_500)}😀\n\n${'😀'.repeat(800)}`;
      await caller.add({ id: 'blue', text, metadata: { topic: 'blue' } });
      const passages = await caller.ask('lapis', { count: '50', filter: "topic = 'blue'" });
      const texts = passages.map((passage) => passage.text);
      const fits = /^\P{Surrogate}{1,1000}$/u;
      expect(texts.every((one) => fits.test(one))).toBe(true);
      expect(texts.join('').replaceAll(/\s/g, '')).toHaveLength(text.replaceAll(/\s/g, '').length);
      const cut = texts
        .flatMap((one) => one.split(/\s+/))
        .filter((word) => !/^(?:lapis|lazuli|x+|x+😀|😀+)$/u.test(word));
      expect(cut).toEqual([]);
      const faces = { id: 'faces', text: '😀'.repeat(800), metadata: { topic: 'faces' } };
      expect((await caller.add(faces)).json).toMatchObject({ passages: 1 });
    });

    it.each<readonly [string, unknown, string]>([
      ['no JSON', '{', 'not JSON'],
      ['no list', {}, '{"documents": […]}'],
      ['an empty list', { documents: [] }, '1 to 100'],
      ['no document', { documents: [7] }, 'documents[0] must be an object'],
      ['no id', { documents: [{ text: 'x' }] }, 'documents[0].id'],
      ['a text that is none', { documents: [{ id: 'a', text: 1 }] }, 'documents[0].text'],
      ['a strange field', { documents: [{ id: 'a', text: 'x', txt: 'y' }] }, 'no field "txt"'],
      [
        'a field that is taken',
        { documents: [{ ...bread, metadata: { source: 1 } }] },
        'a field named source',
      ],
      ['an id twice', { documents: [bread, whales, bread] }, 'the same id'],
      ['an id that is too long', { documents: [{ id: 'a'.repeat(600), text: 'x' }] }, 'idBytes'],
    ])('refuses %s', async (_, body, detail) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      expect(await caller.call('/documents', { method: 'POST', body: text })).toMatchObject({
        status: 400,
        type: 'application/problem+json',
        json: { detail: expect.stringContaining(detail) as string },
      });
    });

    it('refuses a body that is too long, a question that is none, and other routes', async () => {
      const long = { method: 'POST', body: 'x'.repeat(1_000_001) };
      expect(await caller.call('/documents', long)).toMatchObject({ status: 413 });
      expect(await caller.call('/ask?q=%20')).toMatchObject({ status: 400 });
      expect(await caller.call('/ask?q=x&count=51')).toMatchObject({ status: 400 });
      expect(await caller.call('/documents')).toMatchObject({ status: 404 });
    });

    it('compacts on its schedule, and answers the same afterwards', async () => {
      // Of 64 commits a fold is made.
      for (let n = 0; n < 64; n++) await caller.add({ ...whales, metadata: { ...whales.metadata, n } });
      const before = await caller.ask('What do whales eat?');
      const bucket = (await worker.bucket('BUCKET')) as Bucket;
      const hasSegment = async (): Promise<boolean> =>
        (await bucket.list()).objects.some(({ key: name }) => name.endsWith('.seg'));
      expect(await hasSegment()).toBe(false);
      // It goes on for a minute, which it waits before it deletes what it has folded.
      const ending = worker.schedule().catch(() => undefined);
      await vi.waitUntil(hasSegment, { timeout: 30_000, interval: 100 });
      expect(await caller.ask('What do whales eat?')).toEqual(before);
      await worker.close();
      await ending;
    });

    it('gives workerd nothing to complain of', () => {
      const complaints = worker
        .complaints()
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('{"collections"'));
      expect(complaints).toEqual([]);
    });
  });

  describe('with a stand-in for Workers AI', () => {
    let worker: Worker;
    let caller: Caller;

    beforeAll(async () => {
      worker = await startWorker({ ...deployed.worker, standIns: { AI: standIn } }, { API_KEY: key }, [
        'BUCKET',
      ]);
      caller = new Caller(worker);
    });
    afterAll(() => worker.close());

    it('finds what means the same, in other words', async () => {
      const answer = await caller.add(
        { id: 'a', text: 'The doctor will see you now.' },
        { id: 'b', text: 'Salt water covers most of the earth: the sea.' },
        { id: 'c', text: 'A car has four wheels.' },
      );
      expect(answer.json).toEqual({ documents: 3, passages: 3, embedder: 'bge-base-en-v1.5-cls' });
      const [best] = await caller.ask('Which automobile?', { count: '1' });
      expect(best).toMatchObject({ document: 'c' });
      expect(await caller.ask('ocean', { count: '1' })).toMatchObject([{ document: 'b' }]);
    });

    it('embeds passages in batches that the model takes', async () => {
      const many = Array.from({ length: 3 }, (_, n) => ({ id: `many-${n}`, text: paragraphs(90, 'word') }));
      expect(await caller.add(...many)).toMatchObject({ status: 200, json: { passages: 270 } });
    });

    it('begins with an empty collection where the embedder was another before', async () => {
      const other = await startWorker(deployed.worker, { API_KEY: key }, ['BUCKET']);
      try {
        await copyBucket(await worker.bucket('BUCKET'), await other.bucket('BUCKET'));
        const words = new Caller(other);
        expect(await words.call('/ask?q=car')).toMatchObject({
          status: 404,
          json: { code: 'no_documents', detail: expect.stringContaining('bge-base-en-v1.5-cls') as string },
        });
        await words.add(bread);
        expect(await words.ask('car')).toMatchObject([{ document: 'bread' }]);
      } finally {
        await other.close();
      }
    });

    it('gives workerd nothing to complain of', () => {
      expect(worker.complaints()).toBe('');
    });
  });
});

interface Bucket {
  list(): Promise<{ readonly objects: readonly { readonly key: string }[] }>;
  get(key: string): Promise<{ arrayBuffer(): Promise<ArrayBuffer> }>;
  put(key: string, bytes: ArrayBuffer): Promise<unknown>;
}

async function copyBucket(from: unknown, to: unknown): Promise<void> {
  const [source, target] = [from as Bucket, to as Bucket];
  for (const { key: name } of (await source.list()).objects)
    await target.put(name, await (await source.get(name)).arrayBuffer());
}
