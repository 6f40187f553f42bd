/** The five runtimes as the suites of test/runtime start them, and what a bench asks of one that runs. */
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { rootOfSources } from '../../test/engines/ceph/bundled-cluster.mjs';
import { bundle } from '../../test/fuzz/bundle.mjs';
import { openOwnStore } from './stores.mjs';

/** @typedef {import('../../test/runtime/hosts/runtime-host.js').HostKind} HostKind */
/** @typedef {import('../../test/runtime/hosts/runtime-host.js').RuntimeHost} RuntimeHost */

export const kinds = /** @type {const} */ (['cloudflare', 'aws', 'azure', 'gcp', 'node']);

export const titles = /** @type {Readonly<Record<HostKind, string>>} */ ({
  cloudflare: 'Cloudflare Workers',
  aws: 'AWS Lambda',
  azure: 'Azure Functions',
  gcp: 'Google Cloud Functions',
  node: 'Node',
});

/** What runs each of them here. */
export const hostNames = /** @type {Readonly<Record<HostKind, string>>} */ ({
  cloudflare: 'workerd',
  aws: 'serverless-offline',
  azure: '@azure/functions, its host a stand-in',
  gcp: 'functions-framework',
  node: 'cairn serve',
});

const variables = { CAIRN_ALLOW_ANONYMOUS: 'true' };

/** @returns {Promise<typeof import('../../test/runtime/hosts/runtime-host.js')>} */
export async function loadHosts() {
  return await import(pathToFileURL(await bundle('test/runtime/hosts/runtime-host', [rootOfSources])).href);
}

/** The newest line of Node, as deployments have it. */
export async function deployedNode() {
  /** @type {typeof import('../../test/runtime/install.js')} */
  const { hasNodes, otherNodes, setup } = await import(
    pathToFileURL(await bundle('test/runtime/install', [rootOfSources])).href
  );
  await setup();
  return hasNodes() ? (otherNodes.at(-1)?.binary ?? process.execPath) : process.execPath;
}

/**
 * A runtime over an empty store of its own cloud, which both end with `use`.
 * @template T
 * @param {HostKind} kind
 * @param {string} binary
 * @param {(host: RuntimeHost, store: string) => Promise<T>} use
 */
export async function withHost(kind, binary, use) {
  const { startHost } = await loadHosts();
  const { name, environment, close } = await openOwnStore(kind);
  try {
    const host = await startHost(kind, { binary, environment: { ...variables, ...environment } });
    try {
      return await use(host, name);
    } finally {
      await host.close();
    }
  } finally {
    await close();
  }
}

/** @typedef {{ requests: number, bytesRead: number, bytesWritten: number, ms: number }} Spent */

/** What the handler has asked of its store so far. @param {string} url @returns {Promise<Omit<Spent, 'ms'>>} */
async function usageOf(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const sum = (/** @type {string} */ name) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, 'gm'))]
      .map(([, value]) => Number(value))
      .reduce((a, b) => a + b, 0);
  return {
    requests: sum('cairn_store_requests_total'),
    bytesRead: sum('cairn_store_read_bytes_total'),
    bytesWritten: sum('cairn_store_written_bytes_total'),
  };
}

/**
 * What `work` took: time, and requests and bytes of the process that answers.
 * @template T
 * @param {RuntimeHost} host
 * @param {() => Promise<T>} work
 * @returns {Promise<{ result: T, spent: Spent }>}
 */
export async function measured({ url }, work) {
  const before = await usageOf(url);
  const started = performance.now();
  const result = await work();
  const ms = performance.now() - started;
  const after = await usageOf(url);
  return {
    result,
    spent: {
      ms,
      requests: after.requests - before.requests,
      bytesRead: after.bytesRead - before.bytesRead,
      bytesWritten: after.bytesWritten - before.bytesWritten,
    },
  };
}

/** Looks now and then until `look` gives something. @template T @param {() => Promise<T | undefined>} look @param {number} patienceMs @returns {Promise<T>} */
export async function until(look, patienceMs) {
  for (const started = performance.now(); ;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() - started > patienceMs) throw new Error(`nothing came in ${patienceMs} ms`);
    await sleep(100);
  }
}
