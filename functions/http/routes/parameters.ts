/** Query strings: checked like bodies, by a schema, after the texts of numbers have become numbers. */
import * as z from 'zod';
import { invalid } from '../../../core/base/errors.js';
import { mustMatch } from '../schema/index.js';

export function queryParameters<S extends z.ZodObject>(schema: S, url: URL): z.output<S> {
  const given: [string, unknown][] = [];
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name);
    if (values.length > 1) {
      throw invalid(
        'invalid_field',
        `query parameter ${JSON.stringify(name.slice(0, 100))} is given ${values.length} times`,
      );
    }
    given.push([name, isNumeric(schema, name) ? numberOf(values[0]!) : values[0]!]);
  }
  return mustMatch(schema, Object.fromEntries(given), 'query string');
}

function isNumeric(schema: z.ZodObject, name: string): boolean {
  const field: unknown = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
  return (field instanceof z.ZodOptional ? field.unwrap() : field) instanceof z.ZodNumber;
}

/** Leaves a text that is no plain number for the schema to refuse. */
function numberOf(text: string): number | string {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}
