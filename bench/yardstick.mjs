/**
 * The yardstick of the ingest bench: a bare script that writes the same bytes and fsyncs them, and does nothing else.
 * Twice: a file per batch, each fsynced (what a durable answer per batch takes at the least), and one file with one
 * fsync at the end (what no answer before the end takes).
 */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

/**
 * @typedef {object} Yardstick
 * @property {number} perBatchMs
 * @property {number} oneFileMs
 */

/**
 * Requires: the folder is on the disk that the server writes to.
 * @param {string} folder
 * @param {readonly Uint8Array[]} batches
 * @returns {Yardstick}
 */
export function measureYardstick(folder, batches) {
  const scratch = mkdtempSync(join(folder, 'yardstick-'));
  try {
    const perBatchMs = timed(() =>
      batches.forEach((batch, at) => {
        const file = openSync(join(scratch, String(at)), 'wx');
        writeWhole(file, batch);
        fsyncSync(file);
        closeSync(file);
      }),
    );
    const oneFileMs = timed(() => {
      const file = openSync(join(scratch, 'all'), 'wx');
      for (const batch of batches) writeWhole(file, batch);
      fsyncSync(file);
      closeSync(file);
    });
    return { perBatchMs, oneFileMs };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/**
 * @param {number} file
 * @param {Uint8Array} bytes
 */
function writeWhole(file, bytes) {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}

/** @param {() => void} act */
function timed(act) {
  const started = performance.now();
  act();
  return performance.now() - started;
}
