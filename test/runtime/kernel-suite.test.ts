/**
 * Strategy: the Node that runs the tests may be too old for relaxed SIMD, and would leave that module untested. The newest Node runs
 * the suite of the kernels under it; the older of those that take it runs what the modules differ in under both, and their comparison.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../scripts/set-up.mjs';
import { hasNodes, otherNodes } from './install.js';
import { mustBeBuilt, runVitest } from './node-process.js';

/** Longer than a run takes on a machine that has much else to do. */
const timeoutMs = 300_000;

beforeAll(() => mustBeBuilt());

const comparison = 'test/index/simd.test.ts';
const differing = ['base64', 'module', 'projection'].map((kernel) => `test/kernel/${kernel}.test.ts`);
const relaxed = 'kernel, relaxed SIMD';
/** All of the plain one is run by Node 20, which is the only one that the product gives it to. */
const runs = otherNodes.map(({ major, binary }, i) => ({
  ...{ major, binary },
  ...(i < otherNodes.length - 1
    ? { under: 'both modules', modules: 2, files: [...differing, comparison], projects: [] }
    : { under: 'the relaxed module', modules: 1, files: ['test/kernel/'], projects: [relaxed] }),
}));

describe.skipIf(!hasNodes()).each(runs)('Node $major', ({ under, binary, files, projects, modules }) => {
  test(
    `runs the tests of the kernels under ${under}`,
    async () => {
      const { success, numFailedTests, numPendingTests, testResults } = await runVitest(
        binary,
        files,
        projects,
      );
      expect({ success, numFailedTests, numPendingTests }).toEqual({
        ...{ success: true, numFailedTests: 0, numPendingTests: 0 },
      });
      const runsOf = (file: string): number =>
        testResults.filter(({ name }) => name === join(root, file)).length;
      for (const file of differing) expect(runsOf(file)).toBe(modules);
      expect(runsOf(comparison)).toBe(modules - 1);
    },
    timeoutMs,
  );
});
