/** The computed parts of docs/COST.md: how they are written, and where they stand between their marks. */
import { billOfOne, storageBill } from './bill.js';
import { requestKinds } from './counted-bucket.js';
import type { RequestKind } from './counted-bucket.js';
import type { Costs } from './costs.js';
import { prices } from './prices.js';
import type { StorePrices } from './prices.js';
import type { Scenario } from './scenario.js';
import { STORED_DIMENSION, STORED_ROWS } from './upkeep-scenarios.js';

const MILLION = 1_000_000;

const names: Readonly<Record<RequestKind, string>> = {
  put: 'PUT',
  put_refused: 'PUT refused',
  upload_begin: 'begin of an upload',
  upload_part: 'part of an upload',
  upload_join: 'end of an upload',
  list: 'LIST',
  get: 'GET',
  get_absent: 'GET absent',
  delete: 'DELETE',
};

/** By the name in the marks. */
export function costParts(costs: Costs): Readonly<Record<string, string>> {
  return {
    prices: priceTable(),
    writes: billTable('USD per million', costs.writes, MILLION),
    records: recordTable(costs),
    reads: billTable('USD per million', costs.reads, MILLION),
    idle: billTable('USD per month', costs.idle, 1),
    storage: storageTable(costs),
  };
}

/** What stands between the marks of a part, without the empty lines around it. Undefined where there are none. */
export function partOf(page: string, name: string): string | undefined {
  return marked(name).exec(page)?.[1];
}

/** The page with these parts in place of its own. Throws where it has no marks for one. */
export function withParts(page: string, parts: Readonly<Record<string, string>>): string {
  let next = page;
  for (const [name, text] of Object.entries(parts)) {
    if (!marked(name).test(next)) throw new Error(`the page has no marks for the part ${name}`);
    next = next.replace(marked(name), () => `<!-- counted: ${name} -->\n\n${text}\n\n<!-- /counted -->`);
  }
  return next;
}

function marked(name: string): RegExp {
  return new RegExp(`<!-- counted: ${name} -->\\n+([\\s\\S]*?)\\n*<!-- /counted -->`);
}

function priceTable(): string {
  const header = ['store', 'what', 'write', 'list', 'read', 'GiB and month', 'from'];
  const rows = prices.map(
    ({ name, product, perMillion: { write, list, read }, perGiBMonth, source, dated }) => {
      const figures = [write, list, read].map((price) => price.toFixed(2));
      return [name, product, ...figures, String(perGiBMonth), `[${dated}](${source})`];
    },
  );
  return table(header, rows, [2, 3, 4, 5]);
}

function billTable(unit: string, scenarios: readonly Scenario[], factor: number): string {
  const rows = scenarios.map((scenario) => [
    scenario.name,
    countsOf(scenario),
    ...prices.map((store) => usd(billOfOne(scenario, store) * factor)),
  ]);
  return table([unit, 'counted', ...storeNames()], rows, [2, 3, 4, 5]);
}

function recordTable({ recordWrites }: Costs): string {
  const rows = recordWrites.map(({ scenario, records }) => [
    scenario.name,
    ...prices.map((store) => usd((billOfOne(scenario, store) / records) * MILLION)),
  ]);
  return table(['USD per million records', ...storeNames()], rows, [1, 2, 3, 4]);
}

function storageTable({ bytesPerRecord }: Costs): string {
  const bytes = Math.round(bytesPerRecord);
  const what = `a million records of ${STORED_DIMENSION} dimensions`;
  const counted = `${bytes.toLocaleString('en-US')} bytes a record, of ${STORED_ROWS.toLocaleString('en-US')} records`;
  const bill = (store: StorePrices): string => usd(storageBill(bytes * MILLION, store));
  return table(
    ['USD per month', 'measured', ...storeNames()],
    [[what, counted, ...prices.map(bill)]],
    [2, 3, 4, 5],
  );
}

function storeNames(): readonly string[] {
  return prices.map(({ name }) => name);
}

/** How often, and all requests of it. */
function countsOf({ times, counts }: Scenario): string {
  const requests = requestKinds
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `${counts[kind].toLocaleString('en-US')} ${names[kind]}`);
  const often = times > 1 ? `${times.toLocaleString('en-US')} times: ` : '';
  return often + (requests.join(', ') || 'none');
}

/** Two digits: no count here is worth more. */
function usd(amount: number): string {
  if (amount === 0) return '0';
  return amount.toLocaleString('en-US', { minimumSignificantDigits: 2, maximumSignificantDigits: 2 });
}

function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[],
): string {
  const rule = header.map((_, column) => (rightAligned.includes(column) ? '---:' : '---'));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
