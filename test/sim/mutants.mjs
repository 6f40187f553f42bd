/**
 * Rules of the protocol, each taken out of the code that ships: one condition, or the order of two calls. The simulator
 * has to notice every one. `find` is there exactly once, or the build fails: a mutant cannot outlive what it changes.
 *
 * Sixteen are those that the specification names.
 *
 * @typedef {{ name: string, rule: string, edits: readonly import('./bundle.mjs').Edit[] }} Mutant
 */

/**
 * @param {string} name
 * @param {string} rule
 * @param {readonly (readonly [file: string, find: string, replace: string])[]} edits
 * @returns {Mutant}
 */
const mutant = (name, rule, ...edits) => ({
  name,
  rule,
  edits: edits.map(([file, find, replace]) => ({ file: `core/${file}`, find, replace })),
});

/** @type {readonly Mutant[]} */
export const mutants = [
  mutant('a writer skips the floor check on its own slot', 'write: acknowledge', [
    'log/committer.ts',
    'if (head.head.gcFloor >= seq) {',
    'if (false) {',
  ]),
  // The reader that took the slot in has made its own check of the floor by then; what is left to forget is the head.
  mutant('a writer answers a key that it finds without a look at the head', 'write: acknowledge', [
    'log/committer.ts',
    'const head = await refreshHead(this.#log.context, state.head);\n      this.#log.learn',
    'const head = state.head;\n      this.#log.learn',
  ]),
  mutant('a reader skips the floor check', 'read: accept', [
    'log/collection-log.ts',
    'if (!(start.withinFence && head.head.gcFloor <= from)) {',
    'if (!start.withinFence) {',
  ]),
  mutant('a collector deletes before its fence stands', 'collect: fence first', [
    'engine/collector/fence.ts',
    "return { state: 'active', floor: floorOf(head),",
    "return { state: 'active', floor: { seq: head.foldedSeq, version: head.version },",
  ]),
  mutant('a head is written without a condition', 'head: compare-and-set', [
    'log/head-swap.ts',
    '{ if: { version: token } }',
    "{ if: 'any' }",
  ]),
  mutant(
    'a put without an answer moves on to the next slot',
    'write: undecided',
    [
      'log/slot-put.ts',
      'const key = slotKey(context.uid, put.seq);',
      'let key = slotKey(context.uid, put.seq);',
    ],
    ['log/slot-put.ts', 'inFlight = true;', 'key = slotKey(context.uid, put.seq + 1);'],
  ),
  mutant(
    'a refused put is taken for lost, and written under a new key',
    'write: undecided',
    ['log/slot-put.ts', 'return mine ?', 'return false ?'],
    [
      'log/committer.ts',
      'write.lost = true;',
      'write.lost = true; write.keyHash = newNonce(this.#log.context.ports.random);',
    ],
  ),
  mutant('an output of a job under way is collected', 'collect: garbage', [
    'engine/collector/garbage.ts',
    'job !== undefined && !jobs.has(job) &&',
    'job !== undefined &&',
  ]),
  mutant('outputs are deleted when the swap gave no answer', 'compact: unknown', [
    'engine/compaction/compactor.ts',
    'await abandonJob(log.context, begun.job).catch(() => {});',
    'await log.context.store.delete([segmentKey(log.context.uid, begun.job.nonce, 0)]).catch(() => {});',
  ]),
  mutant('a conflict that decides nothing is taken for a rival', 'write: undecided', [
    'log/slot-put.ts',
    'const found = await tryGet(context, key);',
    "if (result.status === 'unknown') return { status: 'lost' };\n    const found = await tryGet(context, key);",
  ]),
  mutant('a writer does not look its key up', 'keys: one effect', [
    'log/committer.ts',
    'const entry = state.window.find(write.keyHash);\n      if',
    'const entry: any = undefined;\n      if',
  ]),
  mutant('a batch is carried however late', 'inbox: eligible', [
    'log/inbox.ts',
    'return after < seq && seq <= after + limits.eligibleSlots;',
    'return after < seq;',
  ]),
  mutant('a batch that depends on the state is carried', 'inbox: eligible', [
    'log/committer.ts',
    "({ resolvedAt, content, write }) => resolvedAt === undefined && 'inline'",
    "({ content, write }) => 'inline'",
  ]),
  mutant('a write is acknowledged on a dropped head', 'drop', [
    'log/log-reader.ts',
    "if (head.state !== 'active') throw collectionGone(uid);",
    '',
  ]),
  mutant('a collector deletes without a wait of its own', 'collect: wait', [
    'engine/collector/collector.ts',
    'if (fences.size > 0) await this.#options.ports.sleep(limits.fenceMs, signal);',
    '',
  ]),

  mutant('a writer acknowledges by the head that it knew', 'write: acknowledge', [
    'log/committer.ts',
    'const head = await refreshHead(this.#log.context, state.head);\n    if (head.head.gcFloor >= seq)',
    'const head = state.head;\n    if (head.head.gcFloor >= seq)',
  ]),
  mutant('a reader takes all the time that it wants', 'read: accept', [
    'log/stopwatch.ts',
    'ms >= 0 && ms < ACCEPT_MS;',
    'ms < Infinity;',
  ]),
  mutant('a read joins one that began before it', 'read: strong', [
    'log/collection-log.ts',
    'return await this.#next;',
    'return (await this.#running) as LogState<S>;',
  ]),
  mutant('an eventual read answers from a state of any age', 'read: eventual', [
    'log/collection-log.ts',
    'age >= 0 && age < limits.eventualStalenessMs',
    'age >= 0',
  ]),
  mutant('a head is replaced without a copy', 'head: lineage', [
    'log/head-swap.ts',
    'await keepCopy(context, current);',
    '',
  ]),
  mutant('the copy of a head is not made sure of', 'head: lineage', [
    'log/head-swap.ts',
    "const result = await putDecided(store, ports, { key, bytes, if: 'absent' });\n  if (result.status !== 'unknown') return;",
    "await store.put(key, bytes, { if: 'absent' });\n  if (key !== '') return;",
  ]),
  mutant('a job that is no longer listed commits', 'compact: commit', [
    'log/jobs.ts',
    'if (find(current, job.nonce) === undefined) throw jobGone(context, job);',
    '',
  ]),
  mutant('a fold marks nothing in the segments that stay', 'compact: one live row', [
    'engine/compaction/head-edit.ts',
    'const marked = fold === undefined ? staying : await this.#markAll(staying, fold);',
    'const marked = staying;',
  ]),
  mutant('the highest slot is collected', 'collect: garbage', [
    'engine/collector/garbage.ts',
    'place.seq <= floor.seq && place.seq < highest &&',
    'place.seq <= floor.seq &&',
  ]),
  mutant('what is deleted is judged by a floor that nobody waited for', 'collect: wait', [
    'engine/collector/fence.ts',
    'garbageBelow(context.uid, listed, floor, [',
    'garbageBelow(context.uid, listed, floorOf(now.head), [',
  ]),
  mutant('a copy that retention keeps is collected', 'collect: garbage', [
    'engine/collector/garbage.ts',
    'return place.version < floor.version &&',
    'return place.version <= floor.version &&',
  ]),
  mutant('an object that the head names is collected', 'collect: reachable', [
    'engine/collector/garbage.ts',
    '!jobs.has(job) && !named.has(key) &&',
    '!jobs.has(job) &&',
  ]),
  mutant('a tombstone is collected', 'collect: dropped', [
    'engine/collector/look.ts',
    'const kept = new Set([headKey(uid), ...(',
    'const kept = new Set([...(',
  ]),
  mutant('a creator that lost goes on with its own head', 'create', [
    'engine/catalog.ts',
    'const active = uid === head.uid ? await this.#activeHead(uid) : undefined;',
    'const active = await this.#activeHead(head.uid);',
  ]),
  mutant('a drop takes the name away and leaves the head', 'drop', [
    'engine/catalog.ts',
    'await this.retire(entry.uid);\n    try {',
    'try {',
  ]),
  mutant('a write that ran out of time is reported as not applied', 'write: unknown', [
    'log/pending-write.ts',
    'this.fail(this.mayTakeEffect ? this.outcomeUnknown() : this.#timedOut());',
    'this.fail(this.#timedOut());',
  ]),
  mutant('a batch in the inbox is forgotten', 'write: unknown', [
    'log/committer.ts',
    'for (const { write } of waiting) write.waits = write.undecided = true;',
    '',
  ]),
  mutant('a strong read does not look for newer slots', 'read: strong', [
    'log/collection-log.ts',
    'this.#stage(from, state.head.head.schema.dimension),',
    'Promise.resolve([]),',
  ]),
  mutant('a strong read goes by the head that it knew', 'read: accept', [
    'log/collection-log.ts',
    'refreshHead(this.context, state.head),\n    ]);',
    'state.head,\n    ]);',
  ]),
  mutant('two folds are under way at once', 'compact: jobs', [
    'log/jobs.ts',
    'return fold.from === head.foldedSeq && head.jobs.every((job) => job.fold === undefined);',
    'return true;',
  ]),
  mutant('a fold forgets the keys', 'keys: one effect', [
    'log/commit-window.ts',
    'entries: this.#slots.slice(from, to).flatMap(({ entries }) => entries) };',
    'entries: [] };',
  ]),
  mutant('a swap puts the edit of an older head', 'head: compare-and-set', [
    'log/head-swap.ts',
    'if (next?.version !== head.version + 1) {',
    'if (next === undefined) {',
  ]),
  mutant('a name is not looked up again when its collection is gone', 'drop', [
    'engine/open-collection.ts',
    'this.forget(name, collection.uid);\n          resolved++;',
    'resolved++;',
  ]),
  mutant('a collector deletes the slots of a snapshot', 'snapshot: kept', [
    'engine/collector/garbage.ts',
    ' && !needed(place.seq - 1, place.seq)',
    '',
  ]),
  mutant('a collector deletes the head that a snapshot is made from', 'snapshot: kept', [
    'engine/collector/garbage.ts',
    ' && !versions.has(place.version)',
    '',
  ]),
  mutant('a collector deletes what a snapshot names', 'snapshot: kept', [
    'engine/collector/garbage.ts',
    ' && !past.has(key)',
    '',
  ]),
  mutant(
    'a snapshot below retained_from is taken',
    'snapshot: fence',
    ['log/past/pins.ts', 'let kept = true;', 'let kept = true; let first;'],
    ['log/past/pins.ts', 'const found = await', 'const found = first ??= await'],
    ['log/head-invariants.ts', 'holds(isWholeKept(current, pin),', 'holds(true,'],
  ),
  mutant('retention is forgotten', 'retention', [
    'engine/collector/retention.ts',
    'if (retentionMs === 0)',
    'if (true)',
  ]),
  mutant('a state of the past is made from too new a head', 'read: the past', [
    'log/past/past-heads.ts',
    'if (copy.head.foldedSeq <= seq) {',
    'if (copy.head.foldedSeq <= seq + 1) {',
  ]),
  mutant(
    'a restore goes back to what is below retained_from',
    'restore: fence',
    ['log/past/restores.ts', 'let kept = true;', 'let kept = true; let first;'],
    ['log/past/restores.ts', 'const found = await', 'const found = first ??= await'],
    ['log/head-invariants.ts', 'holds(isWholeKept(current, restore),', 'holds(true,'],
  ),
  mutant('a collector deletes what a restore goes back to', 'restore: kept', [
    'log/past/kept.ts',
    '[...pins, ...restores] : []',
    '[...pins] : []',
  ]),
  mutant('a restore is let go of before its slot', 'restore: kept', [
    'log/head-invariants.ts',
    '(at ?? after + limits.eligibleSlots) <= retained.seq',
    '(at ?? after) <= retained.seq',
  ]),
  mutant('a restore is let go of with its fold, whatever retention says', 'restore: kept', [
    'log/head-invariants.ts',
    '(at ?? after + limits.eligibleSlots) <= retained.seq',
    'at !== undefined || after + limits.eligibleSlots <= retained.seq',
  ]),
  mutant('a snapshot does not keep what a restore before it went back to', 'restore: under', [
    'log/past/past-heads.ts',
    'return [{ version, foldedSeq: last.foldedSeq, seq: last.seq }, ...under];',
    'return [];',
  ]),
  mutant('a reader goes on from what it has over a restore', 'restore: read', [
    'log/collection-log.ts',
    'if (staged.some(holdsRestore)) return false;',
    '',
  ]),
  mutant('a fold of a restore keeps the segments of the head', 'restore: fold', [
    'engine/compaction/head-edit.ts',
    'const staying = fold?.below ?? head.segments',
    'const staying = head.segments',
  ]),
  mutant('the window forgets what a restore undid', 'restore: one effect', [
    'log/log-state.ts',
    'this.#goingBack = { target: restore, after: [] };',
    'this.#goingBack = { target: restore, after: [] }; (this.window as any) = new (this.window.constructor as any)(slot.seq);',
  ]),
  mutant('a collector deletes what a branch names', 'branch: kept', [
    'log/past/kept.ts',
    'for (const { version, foldedSeq } of branches) yield',
    'for (const { version, foldedSeq } of branches.slice(0, 0)) yield',
  ]),
  mutant('a dropped collection is collected under its branches', 'branch: kept', [
    'engine/collector/look.ts',
    'const kept = new Set([headKey(uid), ...(await keysOfPast(context, head))]);',
    'const kept = new Set([headKey(uid)]);',
  ]),
  mutant('a branch gives back what it names', 'branch: return', [
    'log/past/branches.ts',
    'if (isActive && [...keysOf(head)].some(isLent)) return false;',
    '',
  ]),
  mutant('a branch gives back what its past names', 'branch: return', [
    'log/past/branches.ts',
    'if ([...(await keysOfPast(context, head))].some(isLent)) return false;',
    '',
  ]),
  mutant(
    'a branch is made of what its parent has let go of',
    'branch: fence',
    ['log/past/branches.ts', 'if (!kept) return undefined;', 'kept = true;'],
    [
      'log/head-invariants.ts',
      'holds(isKept(current, { version, foldedSeq, seq: foldedSeq }),',
      'holds(true,',
    ],
  ),
  mutant('a branch that died is kept for ever', 'branch: unborn', [
    'log/past/branches.ts',
    'await putTombstone(context, head, branch);',
    '',
  ]),
  mutant('a branch is given up while it is made', 'branch: unborn', [
    'log/past/branches.ts',
    'if ((await storeNowMs(context)) - createdMs < olderThanMs) continue;',
    '',
  ]),
  mutant('a branch begins with what its parent has since become', 'branch: begin', [
    'engine/compaction/fork.ts',
    'const source = memtableSource(memtable, to.seq, {',
    'const source = memtableSource(memtable, to.seq + 1, {',
  ]),
  mutant('a check of the store takes what was collected meanwhile for lost', 'scrub: ask a newer head', [
    'engine/scrub/subject.ts',
    "return opened.status === 'sound' ? opened.value.head : this.head;",
    'return this.head;',
  ]),
];
