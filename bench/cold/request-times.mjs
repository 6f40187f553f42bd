/**
 * When each request of a store began and ended, and what it read: for the waves and chains of a cold query. A get of a segment is told
 * apart by the sections that its range meets.
 */
import { performance } from 'node:perf_hooks';
import { ForwardingStore } from '../../dist/core/store/forwarding.js';

/** @typedef {import('../../dist/core/store/index.js').ObjectStore} ObjectStore */

/**
 * @typedef {object} Sent
 * @property {'get' | 'list'} kind
 * @property {string} key or the prefix of a list
 * @property {{ offset: number, length: number } | undefined} range
 * @property {number} begun
 * @property {number} ended
 * @property {number} bytes
 */

/** Requests that write are passed on and not told. */
export class RequestTimes extends ForwardingStore {
  /** In the order of their ends. @type {Sent[]} */
  sent = [];
  #inFlight = 0;
  mostInFlight = 0;

  /**
   * @template T
   * @param {Pick<Sent, 'kind' | 'key' | 'range'>} request
   * @param {() => Promise<T>} send
   * @param {(result: T) => number} bytesOf
   */
  async #time(request, send, bytesOf) {
    const begun = performance.now();
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight);
    try {
      const result = await send();
      this.sent.push({ ...request, begun, ended: performance.now(), bytes: bytesOf(result) });
      return result;
    } finally {
      this.#inFlight--;
    }
  }

  /** @override @type {ObjectStore['get']} */
  get(key, options) {
    return this.#time(
      { kind: 'get', key, range: options?.range },
      () => this.inner.get(key, options),
      (found) => (found.status === 'found' ? found.bytes.length : 0),
    );
  }

  /** @override @type {ObjectStore['list']} */
  list(prefix, options) {
    return this.#time(
      { kind: 'list', key: prefix, range: undefined },
      () => this.inner.list(prefix, options),
      () => 0,
    );
  }
}

/** When the head had been read. @param {readonly Sent[]} sent */
export function headEnded(sent) {
  return sent.find(({ kind, key }) => kind === 'get' && key.endsWith('/head'))?.ended ?? Infinity;
}

/** What was sent after the head had been read: that is known before anything else can be. @param {readonly Sent[]} sent */
export function afterHead(sent) {
  const ended = headEnded(sent);
  return sent.filter(({ begun }) => begun >= ended);
}

/**
 * Requests of the longest chain in which each began after another had ended. Where more are wanted than may be in flight, those that
 * wait for their turn make it longer. @param {readonly Sent[]} sent
 */
export function longestChain(sent) {
  let length = 0;
  let end = -Infinity;
  for (const one of sent.toSorted((a, b) => a.ended - b.ended)) {
    if (one.begun < end) continue;
    length++;
    end = one.ended;
  }
  return length;
}

/**
 * Waves: a request belongs to the one that is under way when it begins, or begins the next where all before it have ended. What comes of
 * one answer while others are still on their way counts as the same wave.
 * @param {readonly Sent[]} sent
 */
export function waves(sent) {
  let count = 0;
  let end = -Infinity;
  for (const one of sent.toSorted((a, b) => a.begun - b.begun)) {
    if (one.begun >= end) count++;
    end = Math.max(end, one.ended);
  }
  return count;
}

/**
 * Bytes by part: kinds of sections of segments, by how many bytes of each the ranges meet; of other objects what they are.
 * @param {readonly Sent[]} sent
 * @param {ReadonlyMap<string, import('../segment-sections.mjs').SegmentLayout>} segments by key
 */
export function bytesByPart(sent, segments) {
  /** @type {Record<string, number>} */
  const parts = {};
  const add = (/** @type {string} */ part, /** @type {number} */ bytes) => {
    if (bytes > 0) parts[part] = (parts[part] ?? 0) + bytes;
  };
  for (const { kind, key, range, bytes } of sent) {
    const layout = segments.get(key);
    if (layout === undefined) {
      add(kind === 'list' ? 'list' : partOf(key), bytes);
      continue;
    }
    const from = range?.offset ?? 0;
    let named = 0;
    for (const section of layout.sections) {
      const most = Math.min(from + bytes, section.offset + section.length);
      const met = Math.max(0, most - Math.max(from, section.offset));
      named += met;
      add(section.kind, met);
    }
    add('footer and filling', bytes - named);
  }
  return parts;
}

/** `c/{uid}/head`, `c/{uid}/log/…`, `c/{uid}/seg/….del`, `catalog/…`. @param {string} key */
function partOf(key) {
  const [top = '', , folder = ''] = key.split('/');
  return top === 'c' ? (/\.(del|win)$/.exec(key)?.[1] ?? folder) : top;
}
