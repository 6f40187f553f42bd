/** Gathers the sources of settings for one call of the command: its flags, the environment, cairn.toml. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { invalid } from '../core/base/errors.js';
import { configVariable, parseSettingsFile, resolveSettings } from '../functions/settings/index.js';
import type { Settings } from '../functions/settings/index.js';
import type { Terminal } from './terminal.js';

const defaultFile = 'cairn.toml';

export type Flags = Readonly<Record<string, string | boolean>>;

/** Requires: `flags` by their long names without dashes. A file that is named must be there; the default one may be. */
export async function loadSettings(flags: Flags, { environment, directory }: Terminal): Promise<Settings> {
  const { config, ...rest } = flags;
  const named = typeof config === 'string' ? config : environment[configVariable] || undefined;
  const text = await readSettingsFile(resolve(directory, named ?? defaultFile), named);
  return resolveSettings({
    flags: rest,
    environment,
    ...(text === undefined ? {} : { file: parseSettingsFile({ path: named ?? defaultFile, text }) }),
  });
}

async function readSettingsFile(path: string, named: string | undefined): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && named === undefined) return undefined;
    throw invalid(
      'settings_unreadable',
      `cannot read ${named ?? defaultFile}: ${code === 'ENOENT' ? 'no such file' : message}`,
    );
  }
}
