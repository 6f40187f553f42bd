/**
 * "Sometimes": branches that only a fault or a race reaches. A run of many seeds that misses one of them has proved less
 * than it says, and fails. Each is a line that the build puts in front of a place in the sources, found exactly once.
 *
 * @typedef {import('./bundle.mjs').Edit} Edit
 */

/** @type {readonly (readonly [name: string, file: string, before: string])[]} */
const places = [
  ['a slot is lost to a rival', 'core/log/committer.ts', 'await this.#afterLoss(plan);'],
  ['a slot was collected before its put', 'core/log/committer.ts', '// The tail was far behind.'],
  ['an own slot is a zombie', 'core/log/committer.ts', '// A zombie below the floor.'],
  ['a put is repeated as it was', 'core/log/slot-put.ts', 'inFlight = true;'],
  ['a batch is left in the inbox', 'core/log/inbox.ts', "await store.put(key, bytes, { if: 'absent' })"],
  ['a batch is carried', 'core/log/inbox.ts', 'carried.push(one);'],
  ['a key is found again', 'core/log/committer.ts', '// Whatever the head will say about that slot'],
  [
    'nobody waits for a slot any more',
    'core/log/slot-put.ts',
    "if (put.abandoned()) return { status: 'abandoned' };",
  ],
  [
    'a slow read asks for the head again',
    'core/log/collection-log.ts',
    '// Slow, or the floor moved past us',
  ],
  [
    'what was read is dropped',
    'core/log/collection-log.ts',
    'this.#replace(undefined);\n    return undefined;',
  ],
  [
    'a slot is missing in a load',
    'core/log/collection-log.ts',
    'const current = await refreshHead(this.context, head);\n    if (missing',
  ],
  [
    'a load meets an object that is gone',
    'core/log/collection-log.ts',
    'await mustBeUnnamed(this.context, load.head, key);',
  ],
  [
    'a state of the past is made',
    'core/log/past/past-state.ts',
    'state = await replay(context, newSink, { base, seq, depth: 0 });',
  ],
  ['a snapshot is of a folded state', 'core/log/past/past-heads.ts', 'if (pin !== undefined) return await'],
  ['a version is looked for by its fold', 'core/log/past/past-heads.ts', 'const middle = (low + high)'],
  [
    'a restore meets a state in memory',
    'core/log/collection-log.ts',
    'if (staged.some(holdsRestore)) return false;',
  ],
  [
    'a restore loses its slot',
    'core/log/committer.ts',
    'const { digests } = this.#log.context.ports;\n    return prepareRestore(',
  ],
  [
    'a state is made of one that a restore went back to',
    'core/log/past/past-heads.ts',
    'const { under, version } = last;',
  ],
  [
    'a restore goes back behind another',
    'core/log/past/past-state.ts',
    'await goBack(context, newSink, state, depth + 1);',
  ],
  ['a fold takes part of the log', 'core/engine/compaction/compactor.ts', 'const bornOf = (at: number)'],
  ['an invocation has no request left', 'core/store/invocation-store.ts', 'const message = `the invocation'],
  [
    'a put in doubt ends with the requests',
    'core/log/slot-put.ts',
    'if (hasCode(error, SUBREQUESTS_EXHAUSTED)) throw inDoubt(error);',
  ],
  [
    'a fold takes a restore in',
    'core/engine/compaction/head-edit.ts',
    'return { restores: withSlots(head, restores)',
  ],
  ['a branch gives back what it named', 'core/log/past/branches.ts', 'const removed = await removeBranch('],
  [
    'a branch that died is given up',
    'core/log/past/branches.ts',
    'await putTombstone(context, head, branch);',
  ],
  [
    'a dropped collection keeps what branches name',
    'core/engine/collector/look.ts',
    'kept.add(headCopyKey(uid, version));',
  ],
  ['a version is kept by its date', 'core/engine/collector/retention.ts', 'const middle = headVersion'],
  ['a state moves onto a newer head', 'core/log/adoption.ts', 'state.rebase(head, make());'],
  [
    'a swap finds its own nonce',
    'core/log/head-swap.ts',
    'if (head.nonce === nonce || head.nonces.includes(nonce)) return head;',
  ],
  ['a swap is refused', 'core/log/head-swap.ts', '// Refused or unknown: the head says which.'],
  ['a job is no longer listed', 'core/log/jobs.ts', 'const message = `job ${nonce} is no longer'],
  ['a dead job is removed', 'core/log/jobs.ts', 'const nonces = dead.map'],
  ['a job cannot begin', 'core/log/jobs.ts', 'if (head.jobs.length >= limits.headJobs)'],
  [
    'deletions of a staying segment',
    'core/engine/compaction/head-edit.ts',
    'const { entry, deletions } = segment;\n    const rowOf',
  ],
  ['a creator loses', 'core/engine/catalog.ts', 'if (active === undefined) await this.retire(head.uid);'],
  ['an orphan is retired', 'core/engine/collector/collector.ts', 'if (await catalog.fence(loaded.head))'],
  [
    'a dropped collection is collected',
    'core/engine/collector/fence.ts',
    "if (fence.state === 'dropped') return await garbageOfDropped",
  ],
];

/** Where the place is an expression of a branch without a block, the mark comes before the statement all the same. */
const conditions = new Map([
  ['a restore meets a state in memory', 'if (staged.some(holdsRestore)) { simMark(NAME); return false; }'],
  [
    'a restore loses its slot',
    'if (write.lost) simMark(NAME);\n    const { digests } = this.#log.context.ports;\n    return prepareRestore(',
  ],
  [
    'a restore goes back behind another',
    'if (depth > 0 && state.goesBackTo !== undefined) simMark(NAME);\n    await goBack(context, newSink, state, depth + 1);',
  ],
  [
    'a dropped collection keeps what branches name',
    '{ simMark(NAME); kept.add(headCopyKey(uid, version)); }',
  ],
  ['a creator loses', 'if (active === undefined) { simMark(NAME); await this.retire(head.uid); }'],
  [
    'a swap finds its own nonce',
    'if (head.nonce === nonce || head.nonces.includes(nonce)) { simMark(NAME); return head; }',
  ],
  [
    'nobody waits for a slot any more',
    "if (put.abandoned()) { simMark(NAME); return { status: 'abandoned' }; }",
  ],
  [
    'a dropped collection is collected',
    "if (fence.state === 'dropped') simMark(NAME);\n  if (fence.state === 'dropped') return await garbageOfDropped",
  ],
  [
    'a put in doubt ends with the requests',
    'if (hasCode(error, SUBREQUESTS_EXHAUSTED)) { simMark(NAME); throw inDoubt(error); }',
  ],
  ['an orphan is retired', 'simMark(NAME);\n    if (await catalog.fence(loaded.head))'],
]);

/** @param {readonly [string, string, string]} place @returns {Edit} */
function edit([name, file, find]) {
  const mark = `globalThis.simMark(${JSON.stringify(name)})`;
  const replace = conditions.get(name)?.replaceAll('simMark(NAME)', mark) ?? `${mark};\n${find}`;
  return { file, find, replace };
}

export const markNames = places.map(([name]) => name);
/** @type {readonly Edit[]} */
export const marks = places.map(edit);
