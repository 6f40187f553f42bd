/** What the errors of an R2 binding mean. They carry a code at the end of their message and nothing secret. */
import { isCairnError } from '../../../base/errors.js';
import { faultTable, storeError } from '../bucket/index.js';
import type { FaultTable, StoreFailed, StoreFault } from '../bucket/index.js';

/** The range starts past the end of the object. */
export const INVALID_RANGE = '10039';
/** What workerd puts where it was told no code. */
export const NO_CODE = '0';
/** Of the runtime: the Worker's invocation has no request left. */
const NO_REQUEST_LEFT = 'too many subrequests';
/** R2 documents no code for this: its words have to do. */
const OTHER_KEY = 'another customer key';

const inGeneral = "that of the token or account behind the binding, or a lock rule of the bucket's";

/**
 * By the list of codes in Cloudflare's documentation. A code that is not here decides nothing: 10001 (internal error) and 10054
 * (the client is gone) are among these.
 */
export const r2Faults: FaultTable = faultTable({
  codes: {
    forbidden: ['10003', '10042', '10069'],
    unauthenticated: ['10002'],
    no_bucket: ['10005', '10006'],
    key_too_long: ['10020'],
    wrong_key: [OTHER_KEY],
    // More than one write per second and key among them.
    busy: ['10043', '10058'],
    // The body was cut short, or is not that of the checksum.
    damaged: ['10013', '10037'],
    refused: [
      ...['10011', '10012', '10014', '10022', '10024', '10025', '10029', INVALID_RANGE, '10048', '100100'],
      NO_REQUEST_LEFT,
    ],
  },
  permissions: { read: inGeneral, write: inGeneral, list: inGeneral, delete: inGeneral },
});

/** Whatever a binding threw: `put: what is wrong (10058)`, or an error of the runtime's. */
export function faultOf(error: unknown): StoreFault {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const code = /\((\d+)\)\s*$/.exec(message)?.[1];
  // The lines after the first repeat checksums.
  const [line = ''] = message.split('\n', 1);
  const said = code === undefined || line.endsWith(`(${code})`) ? line : `${line} (${code})`;
  return { name: nameOf(message) ?? code ?? name, status: undefined, headers: {}, said };
}

function nameOf(message: string): string | undefined {
  if (/too many subrequests/i.test(message)) return NO_REQUEST_LEFT;
  return /server.side encryption|\bSSE-?C\b/i.test(message) ? OTHER_KEY : undefined;
}

/** What to throw for what was thrown by a request that is not a put. */
export function typed(error: unknown, failed: StoreFailed): unknown {
  return isCairnError(error) ? error : storeError(faultOf(error), failed, r2Faults);
}
