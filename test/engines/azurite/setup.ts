/**
 * One azurite for all suites that end in `.azurite.test.ts`: vitest runs `setup` before the first of them, and not where none runs.
 * Installs what is missing where it can. Where it cannot, those suites are skipped and say so; in CI that is a failure.
 */
import process from 'node:process';
import type { TestProject } from 'vitest/node';
import { hasRuntimes, setup as install } from '../../runtime/install.js';
import { startAzurite } from './azurite.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Absent where there is no azurite. */
    azurite: { readonly endpoint: string; readonly key: string } | undefined;
  }
}

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  await install();
  if (!hasRuntimes()) {
    const message =
      'AZURE BLOB STORAGE IS NOT TESTED: there is no azurite here. To install it: npm ci --prefix test/runtime';
    if (process.env['CI'] !== undefined) throw new Error(message);
    process.stderr.write(`${message}\n`);
    project.provide('azurite', undefined);
    return undefined;
  }
  const { endpoint, key, stop } = await startAzurite();
  project.provide('azurite', { endpoint, key });
  return stop;
}
