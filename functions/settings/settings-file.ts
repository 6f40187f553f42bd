/** cairn.toml as settings take it. A room of its own, because hosts without files need no TOML. */
import { parse as parseToml, TomlError } from 'smol-toml';
import { invalid } from '../../core/base/errors.js';

export interface SettingsFile {
  readonly path: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/** Throws `invalid` (`malformed_settings`) with the line and column. */
export function parseSettingsFile({
  path,
  text,
}: {
  readonly path: string;
  readonly text: string;
}): SettingsFile {
  try {
    return { path, document: parseToml(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column } = error;
    const reason = error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '');
    const message = `${path} is not TOML at line ${line}, column ${column}: ${reason}`;
    throw invalid('malformed_settings', message, { line, column });
  }
}
