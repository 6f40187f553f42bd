/** A call that has to be refused, and what the answer has to say. */
import { expect } from 'vitest';

export type BadRow = readonly [what: string, call: string, body: unknown, status: number, expected: object];

export const detail = (text: string): object => ({ detail: expect.stringContaining(text) as string });
export const code = (name: string, ...texts: readonly string[]): object => ({
  code: name,
  ...(texts[0] === undefined ? {} : detail(texts[0])),
});
