/**
 * Hygiene of the repository: no leftovers, no switched-off tests, no paths or hosts of one machine, links and scripts
 * that lead somewhere, settings that are documented. Words that would trip a rule are spelt so that they do not.
 */
import { posix } from 'node:path';
import type { SourceFile } from './tree.js';
import type { Violation } from './violation.js';

const leftovers = /\b(?:T[O]DO|F[I]XME|X[X]X|H[A]CK)\b/;
const switchedOff = /\b(?:it|test|describe|suite|bench)(?:\.\w+)*\.(?:only|skip|todo|fails)\b/;
const machinePath = /(?:^|[\s"'`(=[<:])\/(?:home|root|work|Users)\//;

interface LineRule {
  readonly pattern: RegExp;
  readonly where: (path: string) => boolean;
  readonly problem: string;
  readonly instead: string;
}

const lineRules: readonly LineRule[] = [
  {
    pattern: leftovers,
    where: () => true,
    problem: 'a note about work left undone',
    instead: 'do it, or write down in the docs what does not work',
  },
  {
    pattern: switchedOff,
    where: (path) => path.startsWith('test/'),
    problem: 'a test that is switched off or hides the others',
    instead: 'mend or delete it; for a missing server use skipIf with the command that installs it',
  },
  {
    pattern: machinePath,
    where: () => true,
    problem: 'a path of one machine',
    instead: 'a relative path, or a folder under os.tmpdir()',
  },
];

export function checkLines(files: readonly SourceFile[]): Violation[] {
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        lineRules
          .filter(({ pattern, where }) => where(path) && pattern.test(line))
          .map(({ problem, instead }) => ({ file: path, line: index + 1, problem, instead })),
      ),
  );
}

/** Lock files name packages by version and integrity, never by the host that one machine got them from. */
export function checkLock({ path, text }: SourceFile): Violation[] {
  const { packages } = JSON.parse(text) as { packages: Record<string, { resolved?: string }> };
  return Object.entries(packages)
    .filter(([, { resolved }]) => resolved !== undefined && /^\w+:\/\//.test(resolved))
    .map(([name]) => ({
      file: path,
      problem: `${name} names a registry host`,
      instead: 'npm config set omit-lockfile-registry-resolved true --location=project, then npm install',
    }));
}

interface PackageJson {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Every file that a script of package.json names exists, and so does every script that it runs. */
export function checkScripts({ path, text }: SourceFile, exists: (path: string) => boolean): Violation[] {
  const scripts = (JSON.parse(text) as PackageJson).scripts ?? {};
  return Object.entries(scripts).flatMap(([name, command]) => {
    const files = [...command.matchAll(/(?:^|\s)(?:node\s+|-p\s+|--project\s+)([\w./-]+)/g)].map(
      ([, file]) => file!,
    );
    const runs = [...command.matchAll(/npm run (?:-\S+ )*([\w:-]+)/g)].map(([, script]) => script!);
    return [
      ...files.filter((file) => !exists(file)).map((file) => `names ${file}, which does not exist`),
      ...runs
        .filter((script) => !Object.hasOwn(scripts, script))
        .map((script) => `runs ${script}, which is no script`),
    ].map((problem) => ({
      file: path,
      problem: `script ${name} ${problem}`,
      instead: 'name what is there, or drop the script',
    }));
  });
}

/** Dependencies are pinned, and each has its line in docs/DEPENDENCIES.md. */
export function checkDependencies({ path, text }: SourceFile, documented: string): Violation[] {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(text) as PackageJson;
  return Object.entries({ ...dependencies, ...devDependencies }).flatMap(([name, version]) => [
    ...(/^\d+\.\d+\.\d+$/.test(version)
      ? []
      : [{ file: path, problem: `${name} is not pinned: ${version}`, instead: 'give one exact version' }]),
    ...(documented.includes(`\`${name}\``)
      ? []
      : [
          {
            file: path,
            problem: `${name} is not in docs/DEPENDENCIES.md`,
            instead: 'add a line: what for, licence, size in a Worker, why not the next best',
          },
        ]),
  ]);
}

/** As GitHub makes anchors of headings. */
export function anchorOf(heading: string): string {
  const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return plain
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

function withoutCode(text: string): string {
  return text.replace(/^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1/gm, (block) => block.replace(/[^\n]/g, ''));
}

/** Each relative link of a document leads to a file of the tree, and its anchor to a heading. */
export function checkLinks(documents: readonly SourceFile[], exists: (path: string) => boolean): Violation[] {
  const anchors = new Map(
    documents.map(({ path, text }) => [
      path,
      new Set([...withoutCode(text).matchAll(/^#{1,6}\s+(.+)$/gm)].map(([, heading]) => anchorOf(heading!))),
    ]),
  );
  return documents.flatMap(({ path, text }) =>
    withoutCode(text)
      .replace(/`[^`\n]*`/g, '')
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].flatMap(([, link]) => {
          if (/^[a-z][a-z0-9+.-]*:/i.test(link!)) return [];
          const [target = '', anchor] = link!.split('#', 2);
          const to = target === '' ? path : posix.join(posix.dirname(path), target).replace(/\/$/, '');
          const missing = !exists(to) || (anchor !== undefined && anchors.get(to)?.has(anchor) === false);
          if (!missing) return [];
          return [
            {
              file: path,
              line: index + 1,
              problem: `the link ${link} leads nowhere`,
              instead: 'mend the path or the heading',
            },
          ];
        }),
      ),
  );
}

/** Every setting that code reads is in the settings page. */
export function checkSettings(sources: readonly SourceFile[], documented: string): Violation[] {
  return sources.flatMap(({ path, text }) =>
    [...new Set(text.match(/\bCAIRN_[A-Z][A-Z0-9_]*[A-Z0-9]\b/g))]
      .filter((name) => !new RegExp(`\\b${name}\\b`).test(documented))
      .map((name) => ({
        file: path,
        problem: `${name} is not documented`,
        instead: 'add it to docs/CONFIGURATION.md: meaning, default, range',
      })),
  );
}

const licences =
  /\b(?:MIT|ISC|Apache[- ]2\.0|BSD-2-Clause|BSD-3-Clause|0BSD|CC0-1\.0|BlueOak-1\.0\.0|Python-2\.0|PSF-2\.0|CC-BY-3\.0|MPL-2\.0|Unlicense|public domain)\b/;

/**
 * Packages whose licence stands where npm does not look: json-bignum has `licenses` in the manifest, and the file LICENSE;
 * uri-templates names a page, and its README and bower.json say what is written there.
 */
const settledLicences: ReadonlyMap<string, string> = new Map([
  ['json-bignum@0.0.3', 'MIT'],
  ['uri-templates@0.2.0', 'public domain'],
]);

/** What is installed with the package may be used by anyone: no copyleft that reaches into the work, none unknown. */
export function checkLicences({ path, text }: SourceFile): Violation[] {
  const { packages } = JSON.parse(text) as {
    packages: Record<string, { version?: string; license?: string; inBundle?: boolean }>;
  };
  return Object.entries(packages)
    .filter(([name]) => name !== '')
    .map(([name, { version, license }]) => {
      const id = `${name.replace(/^.*node_modules\//, '')}@${version}`;
      return { name, license: settledLicences.get(id) ?? license };
    })
    .filter(({ license }) => license === undefined || !licences.test(license))
    .map(({ name, license }) => ({
      file: path,
      problem: `${name} has the licence ${license ?? 'unknown'}`,
      instead: 'take another package, or settle the licence and add it to test/meta/hygiene.ts',
    }));
}
