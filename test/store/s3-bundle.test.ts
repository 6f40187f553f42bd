/** Whoever has no bucket loads no SDK: in a bundle of the library it is a chunk apart, which only `import()` leads to. */
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/set-up.mjs';

const sdks = ['@aws-sdk/client-s3', '@google-cloud/storage'];

describe('a bundle of the library', () => {
  it('reaches the SDKs by import() alone', async () => {
    const bundle = await rolldown({
      input: join(root, 'core/index.ts'),
      platform: 'node',
      external: [/^@aws-sdk\//, /^@google-cloud\//],
      logLevel: 'silent',
    });
    const { output } = await bundle.generate({ format: 'es' });
    await bundle.close();
    const chunks = new Map(output.flatMap((each) => (each.type === 'chunk' ? [[each.fileName, each]] : [])));
    const reached = new Set(
      output.filter((each) => each.type === 'chunk' && each.isEntry).map((each) => each.fileName),
    );
    for (const name of reached) for (const next of chunks.get(name)?.imports ?? []) reached.add(next);
    expect(reached.size).toBeGreaterThan(0);
    expect([...reached].filter((name) => /^@(?:aws-sdk|google-cloud)\//.test(name))).toEqual([]);
    for (const sdk of sdks)
      expect([...chunks.values()].some(({ imports }) => imports.includes(sdk))).toBe(true);
  });
});
