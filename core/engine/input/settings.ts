/**
 * The settings of a collection: checked, and filled in with defaults.
 */
import { invalid, overLimit } from '../../base/errors.js';
import { utf8Length } from '../../base/bytes.js';
import { limits } from '../../base/limits.js';
import type { Tier } from '../../base/limits.js';
import { metrics, type Metric } from '../../kernel/index.js';
import {
  QUANTIZATION_FORMS,
  quantizationInEffect,
  settingRanges,
  TIERS,
  tryQuantization,
} from '../../log/index.js';
import type { CollectionSchema, Quantization } from '../../log/index.js';
import { mustHaveOnly, mustBeObject } from './input-shape.js';
import type { CollectionSettings } from '../interface/index.js';

type RangeName = keyof typeof settingRanges;

function integer(name: RangeName, value: unknown): number {
  const { min, max } = settingRanges[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    const shown = typeof value === 'number' ? String(value) : typeof value;
    throw invalid('invalid_setting', `${name} must be an integer of ${min} to ${max}, got ${shown}`, {
      setting: name,
      min,
      max,
    });
  }
  return value;
}

function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T;
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : typeof value;
  throw invalid('invalid_setting', `${name} must be ${allowed.join(', ')}; got ${shown}`, {
    setting: name,
    allowed,
  });
}

function fieldsOf(value: unknown): CollectionSchema['fields'] {
  const fields = mustBeObject(value, 'fields');
  const names = Object.keys(fields);
  if (names.length > limits.fields) throw overLimit('fields', names.length, limits.fields, 'fields');
  const out: Record<string, { readonly filterable: boolean }> = {};
  for (const name of names.sort()) {
    const bytes = utf8Length(name);
    if (bytes === 0 || name === '__proto__')
      throw invalid('invalid_setting', `fields: ${JSON.stringify(name)} is no field name`);
    if (bytes > limits.fieldNameBytes)
      throw overLimit('fieldNameBytes', bytes, limits.fieldNameBytes, 'fields');
    const declared = mustBeObject(fields[name], `fields.${name}`);
    mustHaveOnly(declared, ['filterable'], `fields.${name}`);
    const filterable = declared['filterable'] ?? true;
    if (typeof filterable !== 'boolean') {
      throw invalid(
        'invalid_setting',
        `fields.${name}.filterable must be true or false, got ${typeof filterable}`,
      );
    }
    out[name] = { filterable };
  }
  return out;
}

/** Throws `invalid`. */
export function mustBeTier(value: unknown): Tier {
  return oneOf('tier', value, TIERS);
}

/** Of a form with names in it only so many. */
const SHOWN_NAMES = 4;

/** As `QUANTIZATION_FORMS` writes it. */
function shownForm(value: unknown): string {
  const shown = (part: unknown): string =>
    typeof part === 'string' || typeof part === 'number' ? String(part).slice(0, 40) : typeof part;
  if (typeof value === 'string') return JSON.stringify(shown(value));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return shown(value);
  const said = Object.entries(value).slice(0, SHOWN_NAMES);
  return `{${said.map(([name, part]) => `${name.slice(0, 40)}: ${shown(part)}`).join(', ')}}`;
}

function quantizationOf(value: unknown, metric: Metric): Quantization {
  const quantization = tryQuantization(value);
  if (quantization === undefined) {
    throw invalid(
      'invalid_setting',
      `quantization must be one of ${QUANTIZATION_FORMS}; got ${shownForm(value)}`,
      { setting: 'quantization' },
    );
  }
  if (quantizationInEffect(quantization, metric) !== quantization) {
    throw invalid(
      'invalid_setting',
      'quantization rabitq turns vectors, which keeps their Euclidean distances and their products, and not their Manhattan distances; take sq8, pq or none',
      { setting: 'quantization', metric },
    );
  }
  return quantization;
}

const NAMES = ['dimension', 'metric', 'tier', 'index', 'quantization', 'fields', 'softDeleteDays'] as const;

/** Throws `invalid`. */
export function resolveSettings(input: CollectionSettings, defaultTier: Tier): CollectionSchema {
  const settings = mustBeObject(input, 'settings');
  mustHaveOnly(settings, NAMES, 'settings');
  const index = mustBeObject(settings['index'] ?? {}, 'index');
  mustHaveOnly(index, ['m', 'efConstruction'], 'index');
  const metric = oneOf('metric', settings['metric'] ?? 'cosine', metrics);
  return {
    dimension: integer('dimension', settings['dimension']),
    metric,
    tier: mustBeTier(settings['tier'] ?? defaultTier),
    index: {
      m: integer('m', index['m'] ?? 16),
      efConstruction: integer('efConstruction', index['efConstruction'] ?? 128),
    },
    quantization: quantizationOf(settings['quantization'] ?? 'sq8', metric),
    fields: fieldsOf(settings['fields'] ?? {}),
    softDeleteDays: integer('softDeleteDays', settings['softDeleteDays'] ?? 30),
  };
}

/** What a collection's settings come to, and what a collection like it is to be made with. */
export function settingsInEffect(schema: CollectionSchema): CollectionSchema {
  return { ...schema, quantization: quantizationInEffect(schema.quantization, schema.metric) };
}

/** Names of the settings in which two schemas differ. */
export function differingSettings(a: CollectionSchema, b: CollectionSchema): readonly string[] {
  return NAMES.filter((name) => canonical(a[name]) !== canonical(b[name]));
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  );
}
