/** The environment of a Worker: buckets and other bindings, and settings among them. */
import { invalid } from '../../core/base/errors.js';

/** Bindings by name: buckets of R2, and settings as variables or secrets. */
export type Environment = Readonly<Record<string, unknown>>;

const DEFAULT_STORE = 'r2:BUCKET';
const PREFIX = 'CAIRN_';

/**
 * Settings as texts. In a Worker's configuration variables may also be numbers, truths and arrays. Throws `invalid` for a setting that is a
 * binding of another kind, which would else be left out in silence.
 */
export function variablesOf(environment: Environment): Readonly<Record<string, string>> {
  const settings = Object.entries(environment).filter(([name]) => name.startsWith(PREFIX));
  const texts = Object.fromEntries(settings.map(([name, value]) => [name, textOf(name, value)]));
  return { ...texts, CAIRN_STORE: texts['CAIRN_STORE'] || DEFAULT_STORE };
}

function textOf(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  const message = `${name} is a binding, and has to be a variable or a secret with a text`;
  throw invalid('invalid_setting', message, { setting: name });
}
