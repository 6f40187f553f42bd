/**
 * What a document tells its reader to run or open: npm scripts, vitest paths, node files, subcommands of `cairn`, and
 * files of the tree named in code spans. Reads shell blocks and code spans, nothing else of a page.
 */

/** Something that a page names, and that has to be there. */
export interface Named {
  readonly kind: 'script' | 'path' | 'subcommand';
  readonly name: string;
}

const folders = 'core|functions|cli|client|wasm|scripts|infra|test|bench|docs|examples|\\.ci';
const file = new RegExp(`^(?:${folders})/[\\w./-]*$`);

export function namedIn(page: string): readonly Named[] {
  const shell = [...page.matchAll(/^```(?:sh|bash|console)\n([\s\S]*?)^```/gm)].map(([, code]) => code!);
  const prose = page.replace(/^(`{3,})[\s\S]*?^\1/gm, '');
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!);
  const lines = [
    ...shell.flatMap((code) => code.split('\n').map((line) => line.replace(/\s#.*/, ''))),
    ...spans,
  ];
  return [...lines.flatMap(commandsOf), ...spans.filter((span) => file.test(span)).map(toPath)];
}

function commandsOf(line: string): Named[] {
  return line.split(/&&|\|\||;/).flatMap((part) => {
    const words = part
      .trim()
      .split(/\s+/)
      .filter((word) => !/^\w+=/.test(word));
    const [program, first, ...rest] = words;
    if (program === 'npm') return npmCommand(first, rest);
    if (program === 'npx' && first === 'vitest') return paths(rest.slice(1));
    if (program === 'node') return paths([first ?? '']);
    if (program === 'cairn' && first !== undefined && /^[a-z]+$/.test(first)) {
      return [{ kind: 'subcommand' as const, name: first }];
    }
    return program === '.ci/run' ? [toPath(program)] : [];
  });
}

function npmCommand(first: string | undefined, rest: readonly string[]): Named[] {
  if (first === 'run') return [{ kind: 'script', name: rest.find((word) => !word.startsWith('-')) ?? '' }];
  if (first === 'start' || first === 'test') return [{ kind: 'script', name: first }, ...paths(rest)];
  return [];
}

function paths(words: readonly string[]): Named[] {
  return words.filter((word) => file.test(word)).map(toPath);
}

function toPath(name: string): Named {
  return { kind: 'path', name };
}
