/**
 * Asks a Cairn server for the nearest records and shows them. Whatever comes from the server is shown as text, never as markup.
 * The API key is read from its field when a query is sent, and kept nowhere.
 */
import { embed } from './embedder.js';

/** @typedef {{ id: string, score: number, metadata?: Record<string, unknown> | null }} Match */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
function byId(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} #${id}`);
}

const form = byId('form', HTMLFormElement);
const server = byId('server', HTMLInputElement);
const key = byId('key', HTMLInputElement);
const collection = byId('collection', HTMLInputElement);
const query = byId('query', HTMLTextAreaElement);
const filter = byId('filter', HTMLInputElement);
const count = byId('count', HTMLInputElement);
const status = byId('status', HTMLElement);
const problem = byId('problem', HTMLElement);
const matches = byId('matches', HTMLOListElement);

const asks = {
  text: { label: 'Text', note: 'Made a vector in this browser, by the embedder of the demo collection.' },
  vector: { label: 'Vector', note: 'Numbers, as JSON: [0.1, 0.2, …]' },
};

/** @returns {'text' | 'vector'} */
const chosen = () => (new FormData(form).get('by') === 'vector' ? 'vector' : 'text');

function showChoice() {
  const { label, note } = asks[chosen()];
  byId('query-label', HTMLElement).textContent = label;
  byId('query-note', HTMLElement).textContent = note;
}

/** Of the query that was sent last: an answer to an earlier one is nobody's any more. */
let sent = new AbortController();

/** @returns {Promise<number[]>} */
async function vectorOf() {
  if (chosen() === 'text') return [...(await embed(query.value))];
  /** @type {unknown} */
  let vector;
  try {
    vector = JSON.parse(query.value);
  } catch {
    throw new Error('The vector is not JSON.');
  }
  if (Array.isArray(vector) && vector.every((number) => typeof number === 'number')) return vector;
  throw new Error('The vector is not an array of numbers.');
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<Match[]>}
 */
async function ask(signal) {
  const base = server.value.replace(/\/+$/, '');
  const url = `${base}/v1/collections/${encodeURIComponent(collection.value)}/query`;
  const body = {
    vector: await vectorOf(),
    k: count.valueAsNumber,
    ...(filter.value.trim() === '' ? {} : { filter: filter.value }),
  };
  /** @type {Record<string, string>} */
  const headers = { 'content-type': 'application/json' };
  if (key.value !== '') headers['authorization'] = `Bearer ${key.value}`;
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    signal,
    credentials: 'omit',
  }).catch((error) => {
    if (signal.aborted) throw error;
    throw new Error(
      `No answer from ${base} that this page may read. Does it run, and does its CAIRN_CORS_ORIGINS have ${location.origin}?`,
    );
  });
  const answer = await response.json().catch(() => undefined);
  if (response.ok && Array.isArray(answer?.matches)) return answer.matches;
  throw new Error(problemText(response.status, answer));
}

/**
 * An error of Cairn is a problem document (RFC 9457). Anything else comes from what lies between.
 * @param {number} code
 * @param {{ title: string, detail: string, code: string } | undefined} answer
 */
function problemText(code, answer) {
  if (typeof answer?.detail !== 'string') return `${code}: the server's answer is not one of Cairn.`;
  return `${code} ${answer.title} (${answer.code}): ${answer.detail}`;
}

/**
 * @param {string} name of an element
 * @param {string} text
 */
function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** @param {Match} match */
function itemOf({ id, score, metadata }) {
  const item = document.createElement('li');
  const fields = document.createElement('dl');
  const entries = Object.entries(metadata ?? {}).map(
    ([name, value]) =>
      /** @type {const} */ ([name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
  for (const [name, value] of [/** @type {const} */ (['score', score.toFixed(4)]), ...entries])
    fields.append(element('dt', name), element('dd', value));
  item.append(element('h3', id), fields);
  return item;
}

/** @param {SubmitEvent} event */
async function submit(event) {
  event.preventDefault();
  sent.abort();
  sent = new AbortController();
  const { signal } = sent;
  problem.textContent = '';
  matches.replaceChildren();
  status.textContent = 'Asking …';
  try {
    const found = await ask(signal);
    if (signal.aborted) return;
    matches.replaceChildren(...found.map(itemOf));
    status.textContent = found.length === 1 ? '1 match' : `${found.length} matches`;
  } catch (error) {
    if (signal.aborted) return;
    status.textContent = '';
    problem.textContent = error instanceof Error ? error.message : String(error);
  }
}

form.addEventListener('submit', (event) => void submit(event));
form.addEventListener('change', showChoice);
showChoice();
