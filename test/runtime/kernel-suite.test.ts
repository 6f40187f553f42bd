/**
 * Strategy: the suite of the kernels on the Nodes that take relaxed SIMD, under both modules, and the comparison of the two. The
 * Node that runs the tests may be too old for that, and would leave one of the modules untested.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../scripts/set-up.mjs';
import { hasNodes, otherNodes } from './install.js';
import { mustBeBuilt, runVitest } from './node-process.js';

/** Longer than a run takes on a machine that has much else to do. */
const timeoutMs = 300_000;

beforeAll(() => mustBeBuilt());

describe.skipIf(!hasNodes()).each(otherNodes)('Node $major', ({ binary }) => {
  test(
    'runs the tests of the kernels under both modules',
    async () => {
      const folders = ['test/kernel', 'test/index/simd.test.ts'];
      const { success, numFailedTests, numPendingTests, testResults } = await runVitest(binary, folders);
      expect({ success, numFailedTests, numPendingTests }).toEqual({
        ...{ success: true, numFailedTests: 0, numPendingTests: 0 },
      });
      // Each file under each module, and the comparison once.
      const runsOf = (file: string): number =>
        testResults.filter(({ name }) => name === join(root, file)).length;
      expect(runsOf('test/kernel/query.test.ts')).toBe(2);
      expect(runsOf('test/kernel/projection.test.ts')).toBe(2);
      expect(runsOf('test/index/simd.test.ts')).toBe(1);
    },
    timeoutMs,
  );
});
