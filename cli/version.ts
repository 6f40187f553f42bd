/** The version that is running, from the package's own manifest. */
import { readFileSync } from 'node:fs';

/** Requires: the file runs from dist/cli, two folders below package.json. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
