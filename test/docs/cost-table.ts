/** The table of costs in ARCHITECTURE.md: how a measured operation is written there, and where the table stands. */
import type { StoreOutcome } from '../../core/store/index.js';
import type { OperationCost } from './operation-costs.js';

const names: Readonly<Record<StoreOutcome, string>> = {
  put_applied: 'PUT',
  put_refused: 'PUT refused',
  put_unknown: 'PUT unknown',
  put_failed: 'PUT failed',
  get_found: 'GET',
  get_unchanged: 'GET unchanged',
  get_absent: 'GET absent',
  get_failed: 'GET failed',
  list_answered: 'LIST',
  list_failed: 'LIST failed',
  delete_answered: 'DELETE',
  delete_failed: 'DELETE failed',
};

const header = ['operation', 'requests', 'round trips', 'bytes up', 'bytes down'];

export function costTable(costs: readonly OperationCost[]): string {
  const rows = costs.map(({ operation, usage }) => {
    const requests = (Object.keys(names) as StoreOutcome[])
      .filter((outcome) => usage.outcomes[outcome] > 0)
      .map((outcome) => `${usage.outcomes[outcome]} ${names[outcome]}`);
    const numbers = [usage.roundTrips, usage.bytesWritten, usage.bytesRead];
    return [operation, requests.join(', ') || 'none', ...numbers.map((n) => n.toLocaleString('en-US'))];
  });
  const lines = [header, ['---', '---', '---:', '---:', '---:'], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The text between the marks, without the empty lines around it. */
export function measuredPart(page: string): string | undefined {
  return /<!-- measured -->\n+([\s\S]*?)\n*<!-- \/measured -->/.exec(page)?.[1];
}
