/**
 * docs/HTTP.md against the product: every curl line of the page works, in the order of the page, on a server that has
 * just started; and the page has a line for every route and a row for every status.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningServer } from '../../functions/node/index.js';
import { routes } from '../../functions/http/routes/table.js';
import { open, testServer } from './harness.js';
import { Client } from './suite/client.js';

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** Words as a POSIX shell splits them. Knows single and double quotes and line continuations, nothing else. */
function wordsOf(command: string): string[] {
  const joined = command.replaceAll('\\\n', ' ');
  return [...joined.matchAll(/'([^']*)'|"([^"]*)"|([^\s'"]+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
}

function callOf(command: string): Call {
  const [curl, ...words] = wordsOf(command);
  expect(curl).toBe('curl');
  let method: string | undefined;
  let url = '';
  let body: string | undefined;
  const headers: Record<string, string> = {};
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === '-s') continue;
    else if (word === '-X') method = words[++at];
    else if (word === '-d' || word === '--data-binary') body = words[++at];
    else if (word === '-H') {
      const [, name, value] = /^([\w-]+): (.*)$/.exec(words[++at]!)!;
      headers[name!] = value!;
    } else if (word.startsWith('http://127.0.0.1:8080/')) url = word;
    else throw new Error(`the page uses ${word} of curl, which this test does not know`);
  }
  const { pathname, search } = new URL(url);
  return { method: method ?? (body === undefined ? 'GET' : 'POST'), path: pathname + search, headers, body };
}

const page = await readFile('docs/HTTP.md', 'utf8');
const calls = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
  .flatMap(([, block]) => block!.split(/\n(?=curl )/))
  .map((command) => callOf(command.trim()));

let server: RunningServer;
beforeAll(async () => {
  server = await testServer(await open('memory:'));
});
afterAll(() => server.close());

test('every curl line works, in order', async () => {
  const client = new Client(server.url);
  for (const { method, path, headers, body } of calls) {
    const answer = await client.send(method, path, { headers, ...(body === undefined ? {} : { body }) });
    expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
    if (path.endsWith('/query') || path.endsWith('/fetch')) expect(answer.text).toContain('"id":"');
  }
});

test('every route has a curl line and a row in the table', () => {
  const called = new Set(
    calls.map(
      ({ method, path }) =>
        `${method} ${path
          .replace(/\?.*/, '')
          .replace(/\/(?:papers|drafts)/, '/{name}')
          .replace(/\/snapshots\/.+/, '/snapshots/{snapshot}')
          .replace('/namespaces/default', '')}`,
    ),
  );
  for (const { method, path } of routes) {
    const served = path.startsWith('/collections') ? `/v1${path}` : path;
    expect(called).toContain(`${method} ${served}`);
    expect(page, served).toMatch(new RegExp(`^\\| \\[.*${served.replaceAll(/[{}.]/g, '\\$&')}\``, 'm'));
  }
});
