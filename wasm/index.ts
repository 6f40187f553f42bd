/** The module's exports: flat memory in, flat memory out. core/kernel/kernel-module.ts types them for the host. */
export { base64Decode } from './base64';
export { codeAbsolute, codeCentred, codeProduct, codeSquares, product4 as codeProduct4 } from './code-distance';
export { encodeRows, prepareRow } from './code-rows';
export { remeasure, scanCodes } from './code-scan';
export { crc32c, crc32cPages, init } from './crc32c';
export { l1, l2Squared, negatedDot } from './distance';
export { measureExactly } from './exact-rows';
export { makeLookUp, packRows32, scanLeaf } from './fast-scan';
export { findLinks, insertFound, insertRows, measureLinks, relink } from './graph-build';
export { checkGraph, checkLevels, checkUpper } from './graph-check';
export {
  chooseLinks, linkBackRows, linkFarther, linkFrom, nearestPivots, offerPairs, putRefined, refineLinks, walkTowards,
} from './graph-partitions';
export { measureF32Exactly } from './f32-rows';
export { walkAllowed } from './filtered-walk';
export { walkGraph } from './graph-walk';
export { assignRows } from './leaves';
export {
  maskAnd, maskAndNot, maskCount, maskListed, maskNot, maskOr, maskOwners, maskRange, maskSet,
} from './masks';
export { nearestOf } from './nearest';
export { firstNonFinite, sumSquares } from './numbers';
export { addProducts, addScaled, project, projectRows } from './projection';
export { pqEncode, preparePq } from './pq';
export { measurePq } from './pq-rows';
export { prepareQuery, putValues } from './query';
export { centroidShare, measureRabitq, prepareRabitq, rabitqEncode } from './rabitq';
export { relaxed } from './relaxed';
export { rotateRows } from './rotation';
export { collectEqual, scanTopK, scoreRows } from './scan';
