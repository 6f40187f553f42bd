/**
 * The order in which test files begin: those that take the longest first, so that no worker idles while another has one of them left.
 * Vitest itself takes one project after the other and, where it knows no earlier run, goes by the sizes of files: those of the hosts are
 * of three lines, and the last ones of all would be those of other runtimes.
 */
import { relative } from 'node:path';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';
import { root } from '../scripts/set-up.mjs';

/** Half a minute and more on two cores; the longest first. */
export const longest: readonly string[] = [
  'test/engine/quantized-real.test.ts',
  'test/runtime/hosts/aws.test.ts',
  'test/engine/quantized.test.ts',
  'test/crash/crash-points.test.ts',
  'test/cli/cli.test.ts',
  'test/threads/same-answers.test.ts',
  'test/runtime/r2/r2-conformance.test.ts',
  'test/engine/segments/probe.test.ts',
  'test/conformance/object-store-file.test.ts',
  'test/engine/segments/streamed-scan.test.ts',
  'test/threads/same-graph.test.ts',
  'test/runtime/kernel-suite.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const at = longest.indexOf(relative(root, moduleId).replaceAll('\\', '/'));
      return at === -1 ? longest.length : at;
    };
    return others.toSorted((a, b) => place(a) - place(b));
  }
}
