/** How much memory a handler's process has, and what of it loaded collections may take. */
import { totalmem } from 'node:os';
import process from 'node:process';

/** Half of what the platform gives: the rest is for bodies, answers and Node itself. */
export function budgetOf(environment: Readonly<Record<string, string | undefined>>): number {
  return Math.floor(memoryBytes(environment) / 2);
}

/** Of AWS by its own variable, because a process there sees the memory of a larger machine; else the bound of the container. */
function memoryBytes(environment: Readonly<Record<string, string | undefined>>): number {
  const megabytes = Number(environment['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? Number.NaN);
  if (megabytes > 0) return megabytes * 1024 * 1024;
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem();
}
