/** The command line: commands, flags, help, and the exit code of a call. */
import { Command, CommanderError } from 'commander';
import { settingTable } from '../functions/settings/index.js';
import type { Setting } from '../functions/settings/index.js';
import { branch } from './branch.js';
import { collect } from './collect.js';
import { compact } from './compact.js';
import { loadSettings } from './configuration.js';
import type { Flags } from './configuration.js';
import { scrub } from './scrub.js';
import { exportCommand } from './export.js';
import { importCommand } from './import.js';
import { asOfFlags, pointFlags } from './past-point.js';
import { restore } from './restore.js';
import { serve } from './serve.js';
import { snapshots } from './snapshots.js';
import { stats } from './stats.js';
import { exitCodes, reportError } from './terminal.js';
import type { StoreCommand } from './store-command.js';
import type { Terminal } from './terminal.js';
import { version } from '../functions/http/index.js';

const footer = `
Settings come from flags, then CAIRN_* variables, then cairn.toml: see docs/CONFIGURATION.md.
Exit codes: 0 done, 1 failed, 2 called or configured wrongly. scrub ends with 1 where it finds an error.`;

/** Returns the exit code. Never throws. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = createProgram(terminal);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    // Commander has printed its own message, or the help or version that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    return reportError(terminal, error);
  }
}

function createProgram(terminal: Terminal): Command {
  const program = new Command('cairn')
    .description('A vector database without servers: your bucket is the database.')
    .version(version, '-v, --version')
    .addHelpText('after', footer)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.error(text.trimEnd()),
      outputError: (text, write) =>
        write(
          `cairn: ${text
            .trim()
            .replace(/^error: /, '')
            .replace(/\s*\n\s*/g, ' ')}`,
        ),
    });
  const serving = program
    .command('serve')
    .description('serve the HTTP interface until SIGTERM or SIGINT')
    .action(async () => serve(await loadSettings(flagsOf(serving), terminal), version, terminal));
  addSettings(serving, Object.values(settingTable));
  addStoreCommands(program, terminal);
  addBackupCommands(program, terminal);
  return program;
}

/** A collection to files and back. */
function addBackupCommands(program: Command, terminal: Terminal): void {
  const storeSettings = [settingTable['store']!, settingTable['memoryBudgetBytes']!];
  const exporting = program
    .command('export <collection>')
    .description('a collection into a folder; the same call goes on where one was stopped')
    .requiredOption('--out <folder>', 'a new folder, or that of an export to go on with')
    .option('--format <format>', 'ndjson or parquet', 'ndjson')
    .option('--json', 'print JSON')
    .action(async () => {
      const { out, format, json, ...flags } = flagsOf(exporting);
      const call = {
        name: exporting.args[0]!,
        out: String(out),
        format: String(format),
        json: json === true,
      };
      await exportCommand(await loadSettings(flags, terminal), call, terminal);
    });
  addSettings(exporting, storeSettings);
  const importing = program
    .command('import <source>')
    .description('an export, or a file of NDJSON or Parquet, into a collection')
    .option('--collection <name>', 'the collection, default that of the export')
    .option('--metric <metric>', 'of a collection that is made for a file, default cosine')
    .option('--json', 'print JSON')
    .action(async () => {
      const { collection, metric, json, ...flags } = flagsOf(importing);
      const call = {
        source: importing.args[0]!,
        collection: collection as string | undefined,
        metric: metric as string | undefined,
        json: json === true,
      };
      await importCommand(await loadSettings(flags, terminal), call, terminal);
    });
  addSettings(importing, storeSettings);
}

/** Commands that work on a store directly, beside servers or without any. */
function addStoreCommands(program: Command, terminal: Terminal): void {
  const onStore = (
    usage: string,
    description: string,
    run: StoreCommand,
    own: readonly (readonly [flag: string, help: string])[] = [],
  ): void => {
    const command = program.command(usage).description(description);
    for (const [flag, help] of own) command.option(`--${flag}`, help);
    addSettings(command, [settingTable['store']!, settingTable['memoryBudgetBytes']!]);
    command.option('--json', 'print JSON').action(async () => {
      const { json, ...given } = flagsOf(command);
      const part = (ofOwn: boolean): Flags =>
        Object.fromEntries(
          Object.entries(given).filter(
            ([flag]) => own.some(([name]) => name.split(' ')[0] === flag) === ofOwn,
          ),
        );
      const [name, ...more] = command.args;
      const call = { name, more, json: json === true, options: part(true) };
      await run(await loadSettings(part(false), terminal), call, terminal);
    });
  };
  onStore('collect', 'delete what no collection needs any more', collect);
  onStore('compact [collection]', 'compact one collection, or all of them', compact);
  onStore('scrub [collection]', 'check everything that the store holds of one collection, or of all', scrub, [
    ['repair', 'mend what can be mended without a guess'],
  ]);
  onStore('snapshots <collection>', 'states of a collection that are kept', snapshots, [
    ['create <name>', 'keep the newest state under this name, or that of --sequence or --time'],
    ['delete <name>', 'keep the state of this name no longer'],
    ...asOfFlags,
  ]);
  onStore(
    'restore <collection>',
    'take a collection back to one of its states, in place; soft-deleted records are brought back by POST /restore',
    restore,
    pointFlags,
  );
  onStore(
    'branch <collection> <name>',
    'make a collection that begins with a state of another, default the newest',
    branch,
    pointFlags,
  );
  onStore('stats [collection]', 'sizes of one collection, or of all of them', stats);
}

function addSettings(command: Command, settings: readonly Setting[]): void {
  for (const { flag, help, read } of settings) {
    if (flag !== undefined) command.option(read === 'boolean' ? `--${flag}` : `--${flag} <value>`, help);
  }
  command.option('--config <file>', 'settings file, default cairn.toml where there is one');
}

/** The flags given, by their long names. */
function flagsOf(command: Command): Flags {
  return Object.fromEntries(
    command.options
      .map((option) => {
        const value: unknown = command.getOptionValue(option.attributeName());
        // `--no-x` makes x true by default, and false where it is given.
        return [option.long!.slice(2), option.negate ? value === false || undefined : value];
      })
      .filter(([, value]) => value !== undefined),
  ) as Flags;
}
