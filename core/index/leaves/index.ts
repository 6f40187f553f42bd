/** Leaves without their index: coded as rows are written, each row for two of them, ranked by their centroids, scanned one after another. */
export { hasLeafCodes, LeafEncoder } from './leaf-encoder.js';
export type { CentroidCodes, EncodedLeaf, LeafEncoderOptions } from './leaf-encoder.js';
export { LeafScan } from './leaf-scan.js';
export { SecondLeaves } from './second-leaves.js';
