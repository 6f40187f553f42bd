/** Whoever has no bucket loads no SDK: in a bundle of the library each is a chunk apart, which only `import()` leads to. */
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/set-up.mjs';

const sdks = ['@aws-sdk/client-s3', '@azure/storage-blob', '@google-cloud/storage'];

describe('a bundle of the library', () => {
  it('reaches the SDKs by import() alone', async () => {
    const bundle = await rolldown({
      input: join(root, 'core/index.ts'),
      platform: 'node',
      external: [/^@aws-sdk\//, /^@azure\//, /^@google-cloud\//],
      logLevel: 'silent',
    });
    const { output } = await bundle.generate({ format: 'es' });
    await bundle.close();
    const parts = output.filter((each) => each.type === 'chunk');
    const chunks = new Map(parts.map((each) => [each.fileName, each]));
    const reached = new Set(parts.filter((each) => each.isEntry).map((each) => each.fileName));
    for (const name of reached) for (const next of chunks.get(name)?.imports ?? []) reached.add(next);
    expect(reached.size).toBeGreaterThan(0);
    expect([...reached].filter((name) => name.startsWith('@'))).toEqual([]);
    for (const sdk of sdks)
      expect(
        parts.some(({ imports }) => imports.includes(sdk)),
        sdk,
      ).toBe(true);
    // Not even the Azure store: only those need it who have neither key nor SAS.
    const identity = '@azure/identity';
    expect(parts.filter(({ imports }) => imports.includes(identity))).toEqual([]);
    expect(parts.some(({ dynamicImports }) => dynamicImports.includes(identity))).toBe(true);
  });
});
