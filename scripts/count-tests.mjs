/**
 * Adds up a vitest JSON report for .ci/run: prints `N passed, N failed` and exits 1 where anything failed. A test that
 * did not run, a file that could not be loaded and an error outside of every test count as failed: nothing is skipped.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * @param {{ success: boolean, testResults: { name: string, status: string,
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

/**
 * @param {string} file
 * @param {number} exitCode of the run that wrote it
 */
function countFile(file, exitCode) {
  if (!existsSync(file)) return { passed: 0, failures: ['vitest wrote no report'] };
  const { passed, failures } = count(JSON.parse(readFileSync(file, 'utf8')));
  if (exitCode !== 0 && failures.length === 0) failures.push(`npm test ended with exit code ${exitCode}`);
  return { passed, failures };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // `before`: what passed in stages of its own.
  const [, , file = '', exitCode = '0', before = '0'] = process.argv;
  const { passed, failures } = countFile(file, Number(exitCode));
  for (const failure of failures) console.log(failure);
  console.log(`${passed + Number(before)} passed, ${failures.length} failed`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
