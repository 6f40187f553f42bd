/** What only root may do to a file system, for tests of what a disk refuses. */
import { execFileSync } from 'node:child_process';
import process from 'node:process';

/** A user without rights. */
export const NOBODY = 65_534;
export const isRoot: boolean = process.getuid?.() === 0;

function asRoot(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: 'ignore' });
}

export function canMount(): boolean {
  if (!isRoot) return false;
  try {
    asRoot('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
    return true;
  } catch {
    return false;
  }
}

/** `args` of mount(8), the place last. */
export async function mounted(args: readonly string[], run: () => Promise<void>): Promise<void> {
  asRoot('mount', args);
  try {
    await run();
  } finally {
    asRoot('umount', [args.at(-1)!]);
  }
}
