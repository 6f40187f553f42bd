/** JSON values and texts that were what somebody expected, and are no more. */
import type { Chance } from '../log/virtual-time.js';

const odd: readonly unknown[] = [
  ...[null, true, false, 0, -0, 1, -1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 - 1, 1e300, -1e300],
  ...['', 'x', '0', '\u0000', '\ud800', 'é', '😀', '__proto__', 'constructor', 'x'.repeat(600)],
  ...[[], {}, [[]], [null], [0, 1, 2], { '': 1 }, { a: { b: [1] } }],
];
const keys = ['', 'a', 'a.b', '__proto__', 'constructor', 'toString', 'length', 'é', '\ud800'];

type Holder = Record<string, unknown>;

/** A copy: what is put into a value may be edited there. */
function oddValue(chance: Chance): unknown {
  return structuredClone(chance.pick(odd));
}

/** A copy with one to three values replaced, renamed, moved, doubled or dropped. */
export function editedJson(chance: Chance, value: unknown): unknown {
  const root: Holder = { value: structuredClone(value) };
  for (let edits = 1 + chance.below(3); edits > 0; edits--) editJson(chance, root);
  return root['value'];
}

function editJson(chance: Chance, root: Holder): void {
  const { holder, key } = placeIn(chance, root);
  const value = holder[key];
  switch (chance.below(7)) {
    case 0:
      delete holder[key];
      break;
    case 1:
      put(holder, chance.pick(keys), value === root['value'] ? null : value);
      break;
    case 2:
      holder[key] = chance.pick([[value], { [chance.pick(keys)]: value }]);
      break;
    case 3:
      holder[key] = typeof value === 'number' ? value + chance.pick([1, -1, 0.5, value]) : oddValue(chance);
      break;
    case 4:
      if (typeof value === 'string') holder[key] = littered(chance, value);
      break;
    case 5:
      if (Array.isArray(value)) value.push(...(value as unknown[]));
      break;
    default:
      holder[key] = oddValue(chance);
  }
}

function put(holder: Holder, key: string, value: unknown): void {
  if (Array.isArray(holder)) {
    holder.push(value);
    return;
  }
  // As a parser would put it: `__proto__` is a name like any other.
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function placeIn(chance: Chance, root: Holder): { readonly holder: Holder; readonly key: string } {
  let holder = root;
  let key = 'value';
  for (let steps = chance.below(7); steps > 0; steps--) {
    const value = holder[key];
    if (typeof value !== 'object' || value === null) break;
    const names = Object.keys(value);
    if (names.length === 0) break;
    holder = value as Holder;
    key = chance.pick(names);
  }
  return { holder, key };
}

const litter = [
  ...[
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\n',
    '\r',
    ' ',
    '\0',
    '0',
    '-',
    '1e999',
    'null',
    'true',
    '\\u',
    '\\ud800',
  ],
  ...['é', '😀', '\ud800', '\udc00', '\ufeff', '/*', '#', "'", '=', '.', '[[', '"""', 'T', 'Z', '+', '%'],
];

/** A text with one to four pieces inserted, dropped, doubled, or put elsewhere. */
export function littered(chance: Chance, text: string): string {
  let broken = text;
  for (let edits = 1 + chance.below(4); edits > 0; edits--) {
    const from = chance.below(broken.length + 1);
    const to = Math.min(broken.length, from + chance.below(8));
    const piece = broken.slice(from, to);
    const insert = chance.pick(['', chance.pick(litter), piece.repeat(2), broken.slice(to, to + 12)]);
    broken = broken.slice(0, from) + insert + broken.slice(to);
  }
  return broken;
}

/** A text of JSON in which one of its values is JSON within itself. */
export function deepened(chance: Chance, text: string, bytesMax: number): string {
  const values = [...text.matchAll(/"[^"]*"(?!:)|-?[0-9.]+/g)];
  if (values.length === 0) return nestedText(chance, bytesMax);
  const { 0: value, index } = chance.pick(values);
  return text.slice(0, index) + nestedText(chance, bytesMax) + text.slice(index + value.length);
}

const NEST = [
  ['[', ']'],
  ['{"a":', '}'],
  ['[{"b":', '}]'],
] as const;

/** JSON within itself, to a depth that no stack bears by recursion. */
export function nestedText(chance: Chance, bytesMax: number): string {
  const [open, close] = chance.pick(NEST);
  const most = Math.floor(bytesMax / (open.length + close.length));
  const depth = chance.pick([31, 32, 33, 128, 1_000, most]);
  return open.repeat(Math.min(most, depth)) + '1' + close.repeat(Math.min(most, depth));
}
