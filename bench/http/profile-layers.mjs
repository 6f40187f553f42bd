/**
 * Where a server's time goes: a processor profile of it (`node --cpu-prof`), folded into layers of the way of a query. A sample is
 * that layer's whose frame comes first from the top of the stack; what has no frame of its own there, kernels and functions of the
 * host, is its caller's.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The first that matches: by file, below the package, and function. @type {readonly (readonly [layer: string, frame: RegExp])[]} */
const LAYERS = [
  ['JSON: parse the body', /^functions\/http\/body\/json/],
  ['JSON: write the answer', /^functions\/http\/app\.js textOf|^core\/base\/bytes\.js utf8Encode$/],
  ['check the request', /^functions\/http\/(schema|body)\/|^node_modules\/zod\/|^core\/engine\/input\//],
  ['app and router', /^functions\/http\/|^node_modules\/itty-router\//],
  ['server: requests and answers', /^functions\/node\/|^cli\//],
  ['requests to the store: freshen, pages', /^core\/store\/(adapters\/|accounting|retrying|forwarding)/],
  ['freshen: log', /^core\/log\//],
  ['walk', /^core\/index\//],
  [
    'rerank',
    /^core\/kernel\/row-scorer|^core\/segment\/|^core\/store\/|^core\/engine\/segments\/segment-file/,
  ],
  ['engine: plan, memtable, answer', /^core\//],
  ['node: http and sockets', /^node:/],
];
/** What all layers call is its caller's. */
const SHARED = /^core\/(kernel\/kernel|base\/awaitable)\.js /;
const REST = 'host: system calls, not in any function';
const GARBAGE = 'collect garbage';
const IDLE = new Set(['(idle)', '(root)']);

/** @typedef {{ functionName: string, url: string }} CallFrame */
/** @typedef {{ id: number, callFrame: CallFrame, children?: number[] }} ProfileNode */

/**
 * Which share of its time the thread that did the most spent in each layer.
 * @param {string} folder with the profiles of all threads of one process
 * @param {number} fromMs what came earlier after the start of a thread is left out: the start of the process, and code that was compiled
 */
export function layersOf(folder, fromMs) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  const threads = names.map((name) =>
    foldProfile(JSON.parse(readFileSync(join(folder, name), 'utf8')), fromMs),
  );
  const [busiest] = threads.sort((a, b) => sumOf(b) - sumOf(a));
  if (busiest === undefined) throw new Error(`there is no profile in ${folder}`);
  const sum = sumOf(busiest);
  return Object.entries(busiest)
    .map(([layer, us]) => ({ layer, share: us / sum }))
    .sort((a, b) => b.share - a.share);
}

/** Microseconds. @param {{ nodes: ProfileNode[], samples: number[], timeDeltas: number[] }} profile @param {number} fromMs */
function foldProfile({ nodes, samples, timeDeltas }, fromMs) {
  /** @type {Map<number, string | undefined>} */
  const layerOf = new Map();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const visit = (/** @type {ProfileNode} */ node, /** @type {string | undefined} */ above) => {
    const layer = ownLayer(node.callFrame) ?? above;
    layerOf.set(node.id, layer);
    for (const id of node.children ?? []) visit(/** @type {ProfileNode} */ (byId.get(id)), layer);
  };
  if (nodes[0] !== undefined) visit(nodes[0], REST);
  /** @type {Record<string, number>} */
  const layers = {};
  let at = 0;
  for (const [i, id] of samples.entries()) {
    at += timeDeltas[i] ?? 0;
    if (at < fromMs * 1_000) continue;
    const { functionName } = byId.get(id)?.callFrame ?? { functionName: '(root)' };
    if (IDLE.has(functionName)) continue;
    const layer = functionName === '(garbage collector)' ? GARBAGE : (layerOf.get(id) ?? REST);
    layers[layer] = (layers[layer] ?? 0) + (timeDeltas[i] ?? 0);
  }
  return layers;
}

/** @param {CallFrame} frame */
function ownLayer({ functionName, url }) {
  const path = url.replace(/^.*\/(node_modules\/)|^.*?\/dist\//, '$1');
  if (path === '' || SHARED.test(`${path} `)) return undefined;
  return LAYERS.find(([, frame]) => frame.test(`${path} ${functionName}`))?.[0];
}

/** @param {Record<string, number>} layers */
function sumOf(layers) {
  return Object.values(layers).reduce((sum, us) => sum + us, 0);
}
