/** States of a collection that were: kept, gone back to, gone on from. */
export { createBranch } from './branch.js';
export { parsePastPoint } from './past-point.js';
export { restoreTo } from './restore-to.js';
export { createSnapshot, deleteSnapshot, listSnapshots } from './snapshots.js';
