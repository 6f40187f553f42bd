/**
 * Where and why a text is not JSON. Engines word this differently and some leave the position out, so a refused text is
 * scanned once more, here, for an answer that is the same in every runtime. Iterative: depth costs no stack.
 */

export interface JsonFault {
  /** UTF-16 units from the start of the text. */
  readonly offset: number;
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

type Expect = 'value' | 'value or ]' | 'key or }' | 'key' | ':' | ', or }' | ', or ]' | 'end';

const LITERALS = ['true', 'false', 'null'];

/** Returns undefined where the text is JSON. */
export function jsonFault(text: string): JsonFault | undefined {
  const closers: string[] = [];
  let expect: Expect = 'value';
  let at = 0;
  for (;;) {
    while (isSpace(text.charCodeAt(at))) at++;
    const char = text[at];
    if (char === undefined) {
      return expect === 'end'
        ? undefined
        : fault(text, at, `the text ends where ${wanted(expect)} should be`);
    }
    if (expect === 'end') return unexpected(text, at, expect);
    if (expect === ':') {
      if (char !== ':') return unexpected(text, at, expect);
      expect = 'value';
      at++;
    } else if (expect === ', or }' || expect === ', or ]') {
      if (char === ',') expect = expect === ', or }' ? 'key' : 'value';
      else if (char === closers.at(-1)) expect = close(closers);
      else return unexpected(text, at, expect);
      at++;
    } else if ((expect === 'key or }' || expect === 'value or ]') && char === closers.at(-1)) {
      expect = close(closers);
      at++;
    } else if (expect === 'key or }' || expect === 'key') {
      if (char !== '"') return unexpected(text, at, expect);
      const end = stringEnd(text, at);
      if (typeof end !== 'number') return end;
      at = end;
      expect = ':';
    } else if (char === '{' || char === '[') {
      closers.push(char === '{' ? '}' : ']');
      expect = char === '{' ? 'key or }' : 'value or ]';
      at++;
    } else {
      const end = scalarEnd(text, at, expect);
      if (typeof end !== 'number') return end;
      at = end;
      expect = after(closers);
    }
  }
}

function after(closers: readonly string[]): Expect {
  const closer = closers.at(-1);
  if (closer === undefined) return 'end';
  return closer === '}' ? ', or }' : ', or ]';
}

function close(closers: string[]): Expect {
  closers.pop();
  return after(closers);
}

/** The offset after a string, number or literal, or its fault. */
function scalarEnd(text: string, at: number, expect: Expect): number | JsonFault {
  if (text[at] === '"') return stringEnd(text, at);
  const literal = LITERALS.find((word) => text.startsWith(word, at));
  if (literal !== undefined) return at + literal.length;
  return numberEnd(text, at) ?? unexpected(text, at, expect);
}

/** The offset after a JSON number, undefined where there is none. A loop: a pattern over megabytes of digits overflows. */
function numberEnd(text: string, start: number): number | undefined {
  const first = digitsEnd(text, text[start] === '-' ? start + 1 : start);
  if (first === undefined) return undefined;
  let at = first;
  const whole = text.slice(start, start + 3).replace('-', '');
  if (whole.startsWith('0')) at = start + (text[start] === '-' ? 2 : 1);
  if (text[at] === '.') {
    const end = digitsEnd(text, at + 1);
    if (end === undefined) return at;
    at = end;
  }
  if (text[at] === 'e' || text[at] === 'E') {
    const sign = text[at + 1] === '+' || text[at + 1] === '-' ? 2 : 1;
    const end = digitsEnd(text, at + sign);
    if (end === undefined) return at;
    at = end;
  }
  return at;
}

function digitsEnd(text: string, start: number): number | undefined {
  let at = start;
  while (isDigit(text.charCodeAt(at))) at++;
  return at > start ? at : undefined;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

function stringEnd(text: string, start: number): number | JsonFault {
  let at = start + 1;
  for (;;) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) return at + 1;
    if (unit === 0x5c) {
      const escape = text[at + 1] ?? '';
      if (escape === 'u' && /^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6))) at += 6;
      else if (escape !== '' && '"\\/bfnrt'.includes(escape)) at += 2;
      else return fault(text, at, 'bad escape in a string');
    } else if (unit < 0x20) {
      return fault(text, at, `unescaped control character ${JSON.stringify(text[at])} in a string`);
    } else if (at >= text.length) {
      return fault(text, at, 'the text ends inside a string');
    } else {
      at++;
    }
  }
}

function wanted(expect: Expect): string {
  return expect === 'end' ? 'the end' : expect.replace(/[\]},:]/g, (mark) => JSON.stringify(mark));
}

function unexpected(text: string, at: number, expect: Expect): JsonFault {
  const char = String.fromCodePoint(text.codePointAt(at)!);
  return fault(text, at, `unexpected ${JSON.stringify(char)} where ${wanted(expect)} should be`);
}

function fault(text: string, offset: number, reason: string): JsonFault {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < lineStart; at = text.indexOf('\n', at + 1)) line++;
  return { offset, line, column: offset - lineStart + 1, reason };
}
