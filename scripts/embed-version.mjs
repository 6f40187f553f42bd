/**
 * Turns the version of package.json into functions/http/version.generated.ts: handlers run where no package.json lies
 * beside them. Writes only on a change, so that an incremental tsc has nothing to do.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './set-up.mjs';

const target = join(root, 'functions/http/version.generated.ts');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const text = `/** Made by scripts/embed-version.mjs from package.json: do not edit. */\nexport const version: string = '${version}';\n`;
if (!existsSync(target) || readFileSync(target, 'utf8') !== text) writeFileSync(target, text);
