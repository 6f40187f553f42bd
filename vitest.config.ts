import { defineConfig } from 'vitest/config';

const runtimeTests = 'test/runtime/**/*.test.ts';

export default defineConfig({
  test: {
    // Two cores: more workers only add noise to the tests that start servers.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'product',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', runtimeTests],
        },
      },
      // A project of its own, because its set-up installs other runtimes, and only where one of these tests runs.
      {
        extends: true,
        test: { name: 'runtime', include: [runtimeTests], globalSetup: ['test/runtime/install.ts'] },
      },
    ],
  },
});
