#!/usr/bin/env node
/** The command `cairn`. Exit codes: 0 done, 1 failed, 2 called or configured wrongly. */
import process from 'node:process';
import { runCommand } from './program.js';

process.exitCode = await runCommand(process.argv.slice(2), {
  environment: process.env,
  directory: process.cwd(),
  out: (line) => process.stdout.write(`${line}\n`),
  error: (line) => process.stderr.write(`${line}\n`),
});
