/** Starts the built `cairn serve` on a free port, waits until it listens, and stops it by its process id. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface CairnProcess {
  readonly url: string;
  /** Everything that it has printed. */
  output(): string;
  /** Resolves with the exit code. */
  stop(): Promise<number | null>;
}

export async function startCairn(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  main: string = command,
): Promise<CairnProcess> {
  const child = spawn(process.execPath, [main, 'serve', '--port', '0', ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    const take = (bytes: Buffer): void => {
      printed += bytes.toString();
      const found = /listening on (\S+)\n/.exec(printed)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    void ended.then((code) => reject(new Error(`cairn serve ended with ${code}: ${printed}`)));
  });
  return {
    url,
    output: () => printed,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
