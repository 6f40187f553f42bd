/** The Lambda that ingests from SQS, on a directory: what of it is the same on every store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { copyExample } from './copied-example.js';
import { describeIngest } from './sqs-ingest-suite.js';

const folder = mkdtempSync(join(tmpdir(), 'cairn-sqs-'));
let stores = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeIngest('a directory', () => `file:${join(folder, `${stores++}`)}`);

describe('examples/sqs-ingest-lambda', () => {
  it('has types that hold', () => {
    const example = copyExample('sqs-ingest-lambda');
    try {
      expect(example.run('types')).toBe('');
    } finally {
      example.remove();
    }
  });
});
