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
  ['freshen: requests to the store', /^core\/store\/(adapters\/|accounting|retrying|forwarding)/],
  ['freshen: log', /^core\/log\//],
  ['walk', /^core\/(index|kernel\/kernel)\/?/],
  [
    'rerank',
    /^core\/kernel\/row-scorer|^core\/segment\/|^core\/store\/|^core\/engine\/segments\/segment-file/,
  ],
  ['engine: plan, memtable, answer', /^core\//],
  ['node: http and sockets', /^node:/],
];
export const REST = 'host: system calls, not in any function';
export const GARBAGE = 'collect garbage';
const IDLE = new Set(['(idle)', '(root)']);

/** @typedef {{ functionName: string, url: string }} CallFrame */
/** @typedef {{ id: number, callFrame: CallFrame, children?: number[] }} ProfileNode */

/**
 * Microseconds of each layer, of the thread that did the most.
 * @param {string} folder with the profiles of all threads of one process
 */
export function layersOf(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  const threads = names.map((name) => foldProfile(JSON.parse(readFileSync(join(folder, name), 'utf8'))));
  const [busiest] = threads.sort((a, b) => sumOf(b) - sumOf(a));
  if (busiest === undefined) throw new Error(`there is no profile in ${folder}`);
  return busiest;
}

/** @param {{ nodes: ProfileNode[], samples: number[], timeDeltas: number[] }} profile */
function foldProfile({ nodes, samples, timeDeltas }) {
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
  for (const [i, id] of samples.entries()) {
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
  if (path === '') return undefined;
  return LAYERS.find(([, frame]) => frame.test(`${path} ${functionName}`))?.[0];
}

/** @param {Record<string, number>} layers */
export function sumOf(layers) {
  return Object.values(layers).reduce((sum, us) => sum + us, 0);
}
