/**
 * Adds up a vitest JSON report for .ci/run: prints `N passed, N failed` and exits 1 where anything failed. A test that
 * did not run, a file that could not be loaded and an error outside of every test count as failed: nothing is skipped.
 */
import { existsSync, readFileSync } from 'node:fs';

/**
 * @param {{ success: boolean, numPassedTests: number, testResults: { name: string, status: string, message?: string,
 *   assertionResults: { status: string, fullName: string }[] }[] }} report
 */
export function count({ success, testResults }) {
  /** @type {string[]} */
  const failures = [];
  let passed = 0;
  for (const { name, status, assertionResults } of testResults) {
    for (const test of assertionResults) {
      if (test.status === 'passed') passed++;
      else failures.push(`${test.status}: ${name}: ${test.fullName}`);
    }
    if (status === 'failed' && assertionResults.every((test) => test.status === 'passed')) {
      failures.push(`failed to load or tear down: ${name}`);
    }
  }
  if (!success && failures.length === 0) failures.push('vitest reports an error outside of every test');
  if (passed === 0 && failures.length === 0) failures.push('no test ran');
  return { passed, failures };
}

const report = process.argv[2];
if (report !== undefined && import.meta.url.endsWith('/count-tests.mjs')) {
  const { passed, failures } = existsSync(report)
    ? count(JSON.parse(readFileSync(report, 'utf8')))
    : { passed: 0, failures: ['vitest wrote no report'] };
  for (const failure of failures) console.log(failure);
  console.log(`${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
