/**
 * Where settings come from: flags before environment before cairn.toml before defaults. Checked here and nowhere else;
 * a key that is not known is an error that names the nearest known one, in the source where it stands.
 */
import { invalid } from '../../core/base/errors.js';
import type { CairnError } from '../../core/base/errors.js';
import { nearestName } from '../../core/base/nearest.js';
import { settingTable } from './setting-table.js';
import type { Setting, Settings } from './setting-table.js';

export interface SettingSources {
  /** By the flags' names without dashes. A flag without a value is `true`. */
  readonly flags?: Readonly<Record<string, string | boolean>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** `document`: what its text says. */
  readonly file?: { readonly path: string; readonly document: Readonly<Record<string, unknown>> };
}

/** The variable that names the settings file itself. */
export const configVariable = 'CAIRN_CONFIG';

/** Variables of the repository's own tools, which may start a server in their environment. */
const toolVariables = ['CAIRN_DATA'];

const prefix = 'CAIRN_';
const ours: readonly Setting[] = Object.values(settingTable);

/** Throws `invalid` with the source, the name and the value at fault; never the value of a secret. */
export function resolveSettings({ flags = {}, environment = {}, file }: SettingSources): Settings {
  const document = file?.document ?? {};
  refuseUnknown(environment, document, file?.path ?? '');
  const resolved = Object.entries(settingTable).map(([name, setting]) => {
    const found =
      fromFlags(setting, flags) ??
      fromEnvironment(setting, environment) ??
      fromFile(setting, document, file?.path);
    const result = setting.schema.safeParse(found?.value);
    if (!result.success) throw refused(setting, found!);
    return [name, result.data] as const;
  });
  return Object.fromEntries(resolved) as unknown as Settings;
}

interface Found {
  /** Where it stands, for messages. */
  readonly source: string;
  readonly value: unknown;
}

function fromFlags(setting: Setting, flags: Readonly<Record<string, string | boolean>>): Found | undefined {
  const value = setting.flag === undefined ? undefined : flags[setting.flag];
  if (value === undefined) return undefined;
  const source = `--${setting.flag}`;
  if (typeof value === 'string') return { source, value: readText(setting, value) };
  return { source, value: setting.flag?.startsWith('no-') === true ? !value : value };
}

/** An empty variable counts as absent: that is how shells and containers unset one. */
function fromEnvironment(
  setting: Setting,
  environment: Readonly<Record<string, string | undefined>>,
): Found | undefined {
  for (const source of setting.variables) {
    const text = environment[source];
    if (text !== undefined && text !== '') return { source, value: readText(setting, text) };
  }
  return undefined;
}

function fromFile(
  { key }: Setting,
  document: Readonly<Record<string, unknown>>,
  path: string | undefined,
): Found | undefined {
  return Object.hasOwn(document, key) ? { source: `${path}: ${key}`, value: document[key] } : undefined;
}

/** Leaves a text that is not of the kind as it is: the schema refuses it. */
function readText({ read }: Setting, text: string): unknown {
  if (read === 'number') return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (read === 'list') return text.split(',').map((part) => part.trim());
  if (read === 'boolean' && (text === 'true' || text === '1')) return true;
  if (read === 'boolean' && (text === 'false' || text === '0')) return false;
  return text;
}

function refused({ key, secret, wanted }: Setting, { source, value }: Found): CairnError {
  const shown = secret === true ? '' : `, got ${JSON.stringify(value)}`;
  return invalid('invalid_setting', `${source} must be ${wanted}${shown}`, { source, setting: key });
}

function refuseUnknown(
  environment: Readonly<Record<string, string | undefined>>,
  document: Readonly<Record<string, unknown>>,
  path: string,
): void {
  const variables = [...ours.flatMap((setting) => setting.variables), configVariable];
  for (const name of Object.keys(environment)) {
    if (name.startsWith(prefix) && !variables.includes(name) && !toolVariables.includes(name)) {
      throw unknownSetting(`environment variable ${name}`, nearestName(name, variables));
    }
  }
  const keys = ours.map(({ key }) => key);
  for (const key of Object.keys(document)) {
    if (!keys.includes(key))
      throw unknownSetting(`${path}: key ${JSON.stringify(key)}`, nearestName(key, keys));
  }
}

function unknownSetting(what: string, nearest: string | undefined): CairnError {
  const hint = nearest === undefined ? 'docs/CONFIGURATION.md lists them all' : `did you mean ${nearest}?`;
  return invalid('unknown_setting', `${what} is not a setting: ${hint}`, {
    ...(nearest === undefined ? {} : { nearest }),
  });
}
