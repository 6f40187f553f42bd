/**
 * Bundles a Worker with esbuild and runs it in workerd by way of miniflare, on loopback. Miniflare comes from this folder's
 * own packages, which may not be there yet when the compiler reads this file: hence the few types of theirs below.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import { root } from '../../scripts/set-up.mjs';
import { packageFolder } from './install.js';

export interface Bundle {
  readonly code: string;
  readonly wasm: Uint8Array;
  /** What the code imports at run time. */
  readonly imports: readonly string[];
  /** Source files of which something is in it, by their paths from the root. */
  readonly contents: readonly string[];
}

/** What a Worker runs. */
export interface WorkerCode {
  readonly code: string;
  readonly wasm: Uint8Array;
  /** By which the code imports it, in the folder of the code. */
  readonly wasmName?: string;
  /** A module that exports a Worker around the default export of `./worker.js`, which is the code. */
  readonly wrapper?: string | undefined;
  readonly compatibilityFlags?: readonly string[];
  /** Bindings that the platform has and workerd has not: a name, and a module whose default export makes the object. */
  readonly standIns?: Readonly<Record<string, string>>;
}

export interface Worker {
  readonly url: string;
  /** The event of its cron trigger. Ends when the handler has; throws where that failed. */
  schedule(): Promise<void>;
  /** What workerd has complained of so far: uncaught errors, promises that cross requests. */
  complaints(): string;
  /** Miniflare's stand-in, in Node, for a binding of R2 that the Worker has. */
  bucket(name: string): Promise<unknown>;
  close(): Promise<void>;
}

interface MiniflareModule {
  readonly Miniflare: new (options: object) => {
    readonly ready: Promise<URL>;
    getR2Bucket(name: string): Promise<unknown>;
    getWorker(): Promise<{
      scheduled(event: { readonly cron: string }): Promise<{ readonly outcome: string }>;
    }>;
    dispose(): Promise<void>;
  };
}

const compatibilityDate = '2026-04-01';
const kernelPath = join(root, 'build/wasm/relaxed.wasm');
const kernelModule = './relaxed.wasm';

/** As wrangler would: modules for Workers, and the kernel beside them as a module of its own. */
export async function bundleWorker(entry: string): Promise<Bundle> {
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: 'worker.js',
    write: false,
    bundle: true,
    metafile: true,
    format: 'esm',
    target: 'es2023',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker'],
    logLevel: 'silent',
    plugins: [kernelBeside],
  });
  const output = Object.values(metafile.outputs)[0]!;
  const inputs = Object.entries(output.inputs);
  return {
    code: outputFiles[0]!.text,
    wasm: readFileSync(kernelPath),
    imports: output.imports.map(({ path }) => path),
    contents: inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path),
  };
}

const kernelBeside = {
  name: 'kernel-beside',
  setup(build: { onResolve(rule: { filter: RegExp }, resolve: () => object): void }): void {
    build.onResolve({ filter: /\/relaxed\.wasm$/ }, () => ({ path: kernelModule, external: true }));
  },
};

/**
 * `r2Buckets`: names of bindings, each of a bucket of its own that is empty, or as `r2Folder` has it from an earlier Worker. Throws where workerd refuses the code, as it does for
 * what happens at module load and may not.
 */
export async function startWorker(
  { code, wasm, wasmName = 'relaxed.wasm', wrapper, compatibilityFlags = [], standIns = {} }: WorkerCode,
  bindings: object,
  r2Buckets: readonly string[] = [],
  r2Folder?: string,
): Promise<Worker> {
  // Else it asks the network for facts about the caller, and its maker about us.
  process.env['CLOUDFLARE_CF_FETCH_ENABLED'] = 'false';
  process.env['WRANGLER_SEND_METRICS'] = 'false';
  const entry = pathToFileURL(join(packageFolder('miniflare'), 'dist/src/index.js')).href;
  const { Miniflare } = (await import(entry)) as MiniflareModule;
  let complaints = '';
  const folder = mkdtempSync(join(tmpdir(), 'cairn-workerd-'));
  const miniflare = inFolder(
    folder,
    () =>
      new Miniflare({
        host: '127.0.0.1',
        port: 0,
        cf: false,
        ...(r2Folder === undefined ? {} : { r2Persist: r2Folder }),
        workers: [
          {
            name: 'worker',
            compatibilityDate,
            compatibilityFlags: [...compatibilityFlags],
            bindings,
            r2Buckets: [...r2Buckets],
            wrappedBindings: Object.fromEntries(Object.keys(standIns).map((name) => [name, standInOf(name)])),
            modules: [
              ...(wrapper === undefined ? [] : [{ type: 'ESModule', path: 'wrapper.js', contents: wrapper }]),
              { type: 'ESModule', path: 'worker.js', contents: code },
              { type: 'CompiledWasm', path: wasmName, contents: wasm },
            ],
            // Nothing here may reach out.
            outboundService: () => {
              throw new Error('the worker called the network');
            },
          },
          ...Object.entries(standIns).map(([name, contents]) => ({
            name: standInOf(name),
            modules: [{ type: 'ESModule', path: 'stand-in.js', contents }],
          })),
        ],
        handleRuntimeStdio: (out: Readable, error: Readable) => {
          for (const stream of [out, error])
            stream.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
        },
      }),
  );
  const close = async (): Promise<void> => {
    try {
      await miniflare.dispose();
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  };
  try {
    const url = await miniflare.ready;
    const bucket = (name: string): Promise<unknown> => miniflare.getR2Bucket(name);
    const schedule = async (): Promise<void> => {
      const { outcome } = await (await miniflare.getWorker()).scheduled({ cron: '*/5 * * * *' });
      if (outcome !== 'ok') throw new Error(`the scheduled event ended with ${outcome}: ${complaints}`);
    };
    return { url: url.origin, schedule, complaints: () => complaints, bucket, close };
  } catch (error) {
    // It rejects for the same reason as the start.
    await close().catch(() => undefined);
    throw new Error(`workerd did not start: ${complaints}`, { cause: error });
  }
}

const standInOf = (binding: string): string => `stand-in-${binding.toLowerCase()}`;

/** Miniflare puts its files under the system's temporary directory, and does not wait until it has removed them. */
function inFolder<T>(folder: string, make: () => T): T {
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = folder;
  try {
    return make();
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  }
}
