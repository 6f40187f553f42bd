import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.js';
import { takesRelaxedSimd } from './test/kernel/relaxed-support.js';

/** Those that need what test/runtime installs. */
const runtimeTests = ['test/runtime/**/*.test.ts', 'test/**/*.runtime.test.ts'];
const cephTests = 'test/**/*.ceph.test.ts';
const azuriteTests = 'test/**/*.azurite.test.ts';
const hostTests = 'test/runtime/hosts/**/*.test.ts';
const kernelTests = 'test/kernel/**/*.test.ts';
/** The kernel modules that this Node runs. */
const modules = takesRelaxedSimd() ? (['plain', 'relaxed'] as const) : (['plain'] as const);

/** Compares the two: nothing to run where there is one. */
const comparison = 'test/index/simd.test.ts';

export default defineConfig({
  test: {
    // Two cores: more workers only add noise to the tests that start servers.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 180_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'product',
          include: ['test/**/*.test.ts'],
          exclude: [
            ...['**/node_modules/**', kernelTests, ...runtimeTests, cephTests, azuriteTests],
            ...(modules.length === 1 ? [comparison] : []),
          ],
        },
      },
      ...modules.map((simd) => ({
        extends: true as const,
        test: { name: `kernel, ${simd} SIMD`, include: [kernelTests], provide: { simd } },
      })),
      // A project of its own, because its set-up starts a Ceph, and only where one of these tests runs.
      {
        extends: true,
        test: { name: 'ceph', include: [cephTests], globalSetup: ['test/engines/ceph/setup.ts'] },
      },
      {
        extends: true,
        test: { name: 'azurite', include: [azuriteTests], globalSetup: ['test/engines/azurite/setup.ts'] },
      },
      // A project of its own, because its set-up installs other runtimes, and only where one of these tests runs.
      {
        extends: true,
        test: {
          name: 'runtime',
          include: runtimeTests,
          exclude: ['**/node_modules/**', hostTests],
          globalSetup: ['test/runtime/install.ts'],
        },
      },
      // A project of its own, because it takes the stores of all clouds.
      {
        extends: true,
        test: {
          name: 'hosts',
          include: [hostTests],
          globalSetup: [
            ...['test/runtime/install.ts', 'test/runtime/hosts/bundles.ts'],
            ...['test/engines/ceph/setup.ts', 'test/engines/azurite/setup.ts'],
          ],
        },
      },
    ],
  },
});
