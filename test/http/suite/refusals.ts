/** Bodies that are refused: by the app, in the words that a test expects, or by a runtime that reads them before it, in its own. */
import { expect } from 'vitest';
import type { Client, SendOptions } from './client.js';
import type { ServerUnderTest } from './server-under-test.js';

/** Whether a body of type JSON gets to the app. Runtimes that parse one take objects and arrays only, and leave an empty one alone. */
export function reaches({ readsBodies }: ServerUnderTest, body: string): boolean {
  if (readsBodies !== 'parsed' || body === '') return true;
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

/** Some of these runtimes close the connection while the body is still on its way. */
export async function mustRefuse(
  client: Client,
  path: string,
  options: SendOptions,
  seen: boolean,
  expected: object,
): Promise<void> {
  if (seen) expect((await client.send('POST', path, options)).json).toMatchObject(expected);
  else {
    const answer = await client.send('POST', path, { ...options, judged: false }).catch(() => undefined);
    expect([400, 413, 415, undefined]).toContain(answer?.status);
  }
}
