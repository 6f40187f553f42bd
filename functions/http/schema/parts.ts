/**
 * Pieces that the routes' schemas share. Bulk arrays (records, vectors, ids) are only checked to be arrays of an
 * allowed length: their rows are checked by the engine, in one fast pass, and a second walk over ten thousand rows here
 * would cost more than the write. The OpenAPI document still describes them in full.
 */
import * as z from 'zod';
import { limits } from '../../../core/base/limits.js';
import type { AsOf, Consistency, FilterInput, OrderBy, VectorInput } from '../../../core/index.js';

export function componentRef(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/** An array whose elements the engine checks. `items` is their JSON Schema. */
export function bulkArray<T>(
  items: object,
  limit: 'batchRecords' | 'queriesPerRequest' = 'batchRecords',
): z.ZodType<readonly T[]> {
  const maxItems = limits[limit];
  return z
    .custom<readonly T[]>((value) => Array.isArray(value), 'an array')
    .refine((value) => value.length <= maxItems, { abort: true, params: { limit, maxItems } })
    .meta({ type: 'array', items, maxItems });
}

export const idJson: object = {
  type: 'string',
  minLength: 1,
  maxLength: limits.idBytes,
  description: 'Record id: 1 to 512 bytes of UTF-8.',
};

/** One vector, checked by the engine. */
export function vectorField(): z.ZodType<VectorInput> {
  return z.custom<VectorInput>().meta(componentRef('Vector'));
}

/** A filter in either spelling, checked by the engine. */
export function filterField(): z.ZodType<FilterInput> {
  return z.custom<FilterInput>().meta(componentRef('Filter'));
}

export function integer(minimum: number, maximum: number): z.ZodType<number> {
  return z.int().min(minimum).max(maximum);
}

export function described<S extends z.ZodType>(description: string, schema: S): S {
  return schema.meta({ description });
}

export const sequence: z.ZodType<number> = described(
  "A position in the collection's log: each commit is one more.",
  z.int().min(0),
);

export const count: z.ZodType<number> = z.int().min(0);

/** A state of the past. Which texts are date-times the engine tells. */
export const asOf: z.ZodType<AsOf> = z
  .custom<AsOf>(
    (value) => typeof value === 'string' || (Number.isSafeInteger(value) && (value as number) >= 0),
    'a sequence or an RFC 3339 date-time',
  )
  .meta({
    oneOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', format: 'date-time' },
    ],
  });

export const consistency: z.ZodType<Consistency> = described(
  '`strong` (default) sees every write acknowledged before the call; `eventual` is at most 10 s old and saves requests.',
  z.enum(['strong', 'eventual']),
);

export const timeoutMs: z.ZodType<number> = described(
  'Give up after this many milliseconds. Default 30,000.',
  integer(1, limits.timeoutMs),
);

export const include: z.ZodType<readonly string[]> = described(
  'What a record of the answer carries: `metadata`, `vector`, `expires_at`, or one field as `metadata.path`.',
  z
    .array(
      z
        .string()
        .min(1)
        .max(limits.fieldNameBytes + 'metadata.'.length),
    )
    .max(limits.includeNames),
);

export const orderBy: z.ZodType<readonly OrderBy[]> = described(
  'Fields to put records in order by, as dotted paths, the first one first; ties by id. Records without a value come last.',
  z
    .array(
      z.strictObject({
        field: z.string().min(1).max(limits.fieldNameBytes),
        direction: described('`asc` (default) or `desc`.', z.enum(['asc', 'desc'])).optional(),
      }),
    )
    .min(1)
    .max(limits.orderFields),
) as z.ZodType<readonly OrderBy[]>;

/** Names are the user's: checked by the engine, which takes any, `__proto__` too. */
export const facets: z.ZodType<Readonly<Record<string, number>>> = z
  .custom<Readonly<Record<string, number>>>()
  .meta({
    description:
      `Fields, as dotted paths, and how many of the most frequent values of each to answer. At most ${limits.facetFields} ` +
      `fields, each with at most ${limits.facetValues} distinct values.`,
    type: 'object',
    additionalProperties: integerJson(1, limits.facetLimit),
  });

function integerJson(minimum: number, maximum: number): object {
  return { type: 'integer', minimum, maximum };
}

export const includeDeleted: z.ZodType<boolean> = described(
  'Also soft-deleted records, marked `deleted`.',
  z.boolean(),
);
