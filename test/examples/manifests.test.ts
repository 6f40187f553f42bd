/** Examples name the versions that they are tested with: this repository's own, and those of its lock files. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../scripts/set-up.mjs';
import { manifestOf } from './copied-example.js';

const { version, dependencies, devDependencies } = manifestOf(join(root, 'package.json'));
const tested: Readonly<Record<string, string>> = {
  ...manifestOf(join(root, 'test/runtime/package.json')).dependencies,
  ...dependencies,
  ...devDependencies,
  cairndb: version,
};
const examples = readdirSync(join(root, 'examples')).filter((name) =>
  existsSync(join(root, 'examples', name, 'package.json')),
);

it.each(examples)('%s pins what the repository has', (name) => {
  const manifest = manifestOf(join(root, 'examples', name, 'package.json'));
  const pinned = { ...manifest.dependencies, ...manifest.devDependencies };
  expect(pinned).toEqual(Object.fromEntries(Object.keys(pinned).map((one) => [one, tested[one]])));
});
