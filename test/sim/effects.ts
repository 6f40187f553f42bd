/**
 * Whether what a write committed is what it asked for, given the records that it found (invariants 5 and 14): a batch
 * that depends on the state was computed from the state before its slot, and no other.
 */
import { OP_DELETE, OP_HIDE, OP_UPSERT } from '../../core/log/index.js';
import type { WriteInput } from './history.js';
import type { Taken } from './reference.js';

/** `kind id x text` of each operation. */
function asked({ upsert, remove, hide, restore, patch }: WriteInput, { before }: Taken): string[] {
  const rows = (upsert ?? []).map(({ id, x }) => `${OP_UPSERT} ${id} ${x} {"v":${x}}`);
  const removed = (remove ?? []).map((id) => `${OP_DELETE} ${id}`);
  const hidden = (hide ?? []).map((id) => `${OP_HIDE} ${id}`);
  const restored = (restore ?? []).flatMap((id) => {
    const known = before.get(id);
    return known?.hidden === true ? [`${OP_UPSERT} ${id} ${known.x} ${known.text}`] : [];
  });
  const found = patch === undefined ? undefined : before.get(patch.id);
  const patched =
    patch === undefined || found === undefined || found.hidden
      ? []
      : [`${OP_UPSERT} ${patch.id} ${found.x} ${merged(found.text, patch.p)}`];
  return [...rows, ...removed, ...hidden, ...restored, ...patched];
}

function merged(text: string, p: number): string {
  const document = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  return JSON.stringify({ ...document, p });
}

function committed({ batch }: Taken): string[] {
  let upsert = 0;
  return batch.ids.map((id, op) => {
    const kind = batch.kinds[op];
    if (kind !== OP_UPSERT) return `${kind} ${id}`;
    const text = batch.metadata[upsert];
    return `${kind} ${id} ${batch.vectors[batch.dimension * upsert++]} ${text}`;
  });
}

/** What is wrong with it, if anything. */
export function faultOfEffect(input: WriteInput, taken: Taken): string | undefined {
  const goesBack = taken.entry.restore?.seq;
  if (goesBack !== input.goBack)
    return `5: slot ${taken.seq} goes back to ${goesBack} where ${input.goBack} was asked for`;
  const [expected, found] = [asked(input, taken).join(', '), committed(taken).join(', ')];
  if (expected === found) return undefined;
  return `5: slot ${taken.seq} commits [${found}] where [${expected}] was asked for`;
}
