/**
 * One cold start of a bundle, in a process of its own: prints what it took to read and run its modules, and to compile the kernel.
 *
 *   node --experimental-vm-modules start-child.mjs ENTRY KERNEL
 *
 * An entry for Workers is run with stubs in place of what workerd brings, so that V8 alone is measured.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';

const [entry = '', kernel = ''] = process.argv.slice(2);

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** @param {string} file */
async function runForWorkers(file) {
  // @ts-expect-error: not among Node 20's types
  const { SourceTextModule, SyntheticModule } = vm;
  const module = new SourceTextModule(readFileSync(file, 'utf8'));
  await module.link((/** @type {string} */ specifier) => {
    const names = specifier === 'node:async_hooks' ? ['AsyncLocalStorage'] : ['default', 'waitUntil'];
    return new SyntheticModule(names, function stub() {
      for (const name of names) this.setExport(name, Object);
    });
  });
  await module.evaluate();
}

const before = { ms: performance.now(), cpu: cpuMs() };
if (entry.includes('/cloudflare/')) await runForWorkers(entry);
else await import(pathToFileURL(entry).href);
const evaluated = { ms: performance.now(), cpu: cpuMs() };
const bytes = readFileSync(kernel);
const compiling = performance.now();
await WebAssembly.compile(bytes);
const compiled = performance.now();
console.log(
  JSON.stringify({
    evaluationMs: evaluated.ms - before.ms,
    evaluationCpuMs: evaluated.cpu - before.cpu,
    compileMs: compiled - compiling,
  }),
);
// The command's bundle would go on as a command.
process.exit(0);
