/** One test of one field: as the text that every contender takes, and as what it says of a value. */

/**
 * @typedef {object} FieldTest
 * @property {string} field
 * @property {'=' | '!=' | '<' | '>='} operator
 * @property {string | number} value
 */

/** SQL, which Cairn, LanceDB and Zvec read alike. @param {FieldTest} test */
export function textOf({ field, operator, value }) {
  const literal = typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
  return `${field} ${operator} ${literal}`;
}

/** Text goes by its code units, which for ASCII are its bytes. @param {FieldTest} test @param {string | number | undefined} value */
export function holds({ operator, value: wanted }, value) {
  if (typeof value !== typeof wanted || value === undefined) return operator === '!=';
  if (operator === '=') return value === wanted;
  if (operator === '!=') return value !== wanted;
  return operator === '<' ? value < wanted : value >= wanted;
}

const OPERATORS = /** @type {const} */ ({ $ne: '!=', $lt: '<', $gte: '>=' });

/**
 * Of a filter as an object, as files of data have it: one field, and a value or one operator.
 * @param {Record<string, any>} filter
 * @returns {FieldTest}
 */
export function mustBeFieldTest(filter) {
  const [entry, ...others] = Object.entries(filter);
  if (entry === undefined || others.length > 0)
    throw new Error(`a filter of one field, not ${JSON.stringify(filter)}`);
  const [field, condition] = entry;
  if (typeof condition !== 'object') return { field, operator: '=', value: condition };
  const [operation, ...more] = Object.entries(condition);
  const name = /** @type {keyof typeof OPERATORS} */ (operation?.[0]);
  if (more.length > 0 || !Object.hasOwn(OPERATORS, name))
    throw new Error(`one of ${Object.keys(OPERATORS).join(', ')}, not ${JSON.stringify(condition)}`);
  return { field, operator: OPERATORS[name], value: operation?.[1] };
}
