/** The shape of files: size, name, header. Sizes of functions and default exports are the linter's. */
import { isSource } from './tree.js';
import type { SourceFile } from './tree.js';
import type { Violation } from './violation.js';

const linesMax = 600;
const kebabCase = /^\.?[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;
/** Words that name a drawer, not a thing. */
const drawers = /(?:^|[-.])(?:utils?|helpers?|managers?|misc|common|stuff)(?:$|[-.])/;

/** Folders whose files open with a comment that says what the file owns. */
const headed = /^(?:core|functions|cli|wasm|scripts)\//;

export function checkShape(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => isSource(path))
    .flatMap((file) => [...checkSize(file), ...checkName(file), ...checkHeader(file)]);
}

function checkSize({ path, text }: SourceFile): Violation[] {
  const lines = text.split('\n').length - 1;
  if (lines <= linesMax) return [];
  return [
    {
      file: path,
      problem: `has ${lines} lines, the maximum is ${linesMax}`,
      instead: 'split it by role: writer, reader, codec, footer, view, plan; leaves that are pure first',
    },
  ];
}

function checkName({ path }: SourceFile): Violation[] {
  return path.split('/').flatMap((part) => {
    if (!kebabCase.test(part)) {
      return [
        {
          file: path,
          problem: `"${part}" is not kebab-case`,
          instead: 'lower-case words joined by dashes, a noun first',
        },
      ];
    }
    if (drawers.test(part) || part.startsWith('data.')) {
      return [
        {
          file: path,
          problem: `"${part}" names a drawer`,
          instead: 'name what it holds, or put each part where it is used',
        },
      ];
    }
    return [];
  });
}

function checkHeader({ path, text }: SourceFile): Violation[] {
  if (!headed.test(path) || /^(?:#!.*\n)?\/\*\*\s/.test(text)) return [];
  return [
    {
      file: path,
      problem: 'opens without a header comment',
      instead: 'open it with /** what it owns and what it leans on */',
    },
  ];
}
