/**
 * Strategy: the suite of the kernels on the Nodes that take relaxed SIMD, under both modules, and the comparison of the two. The
 * Node that runs the tests may be too old for that, and would leave one of the modules untested. The older of those Nodes runs
 * what the modules differ in.
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
const runs = otherNodes.map(({ major, binary }, i) => ({
  ...{ major, binary },
  files: [...(i < otherNodes.length - 1 ? differing : ['test/kernel/']), comparison],
}));

describe.skipIf(!hasNodes()).each(runs)('Node $major', ({ binary, files }) => {
  test(
    'runs the tests of the kernels under both modules',
    async () => {
      const { success, numFailedTests, numPendingTests, testResults } = await runVitest(binary, files);
      expect({ success, numFailedTests, numPendingTests }).toEqual({
        ...{ success: true, numFailedTests: 0, numPendingTests: 0 },
      });
      const runsOf = (file: string): number =>
        testResults.filter(({ name }) => name === join(root, file)).length;
      for (const file of differing) expect(runsOf(file)).toBe(2);
      expect(runsOf(comparison)).toBe(1);
    },
    timeoutMs,
  );
});
