/**
 * List prices, before free tiers, discounts and taxes. They differ by region and change: edit this file and run
 * `npm run costs`.
 *
 * The pages of Amazon and Microsoft fill their tables in the browser, so their machine-readable price lists were taken. What
 * each page says of requests that end without a body is in `unbilled` and in docs/COST.md.
 */
import type { RequestKind } from './counted-bucket.js';

export interface StorePrices {
  readonly name: string;
  /** What was priced, and where. */
  readonly product: string;
  readonly source: string;
  /** When the page or list was published or read: as exactly as that is known. */
  readonly dated: string;
  /** USD per million requests. */
  readonly perMillion: { readonly write: number; readonly list: number; readonly read: number };
  /** USD per GiB and month. */
  readonly perGiBMonth: number;
  /** Requests that are free, or that are part of another request. */
  readonly unbilled: readonly RequestKind[];
}

export const prices: readonly StorePrices[] = [
  {
    name: 'Amazon S3',
    product: 'S3 Standard, us-east-1, first 50 TB',
    source: 'https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonS3/current/us-east-1/index.json',
    dated: 'list of 2026-09-28',
    // 0.005 per 1,000 PUT, COPY, POST, LIST; 0.0004 per 1,000 GET and all others. DELETE is free.
    perMillion: { write: 5, list: 5, read: 0.4 },
    perGiBMonth: 0.023,
    unbilled: ['delete'],
  },
  {
    name: 'Cloudflare R2',
    product: 'R2 Standard',
    source: 'https://developers.cloudflare.com/r2/pricing/',
    dated: 'read 2026-08-03',
    // Class A and class B. DeleteObject is free. A PUT that ends in 412 is a class A operation like another.
    perMillion: { write: 4.5, list: 4.5, read: 0.36 },
    // The page says GB and not which; the larger one is the cheaper reading by 7 %.
    perGiBMonth: 0.015,
    unbilled: ['delete'],
  },
  {
    name: 'Google Cloud Storage',
    product: 'Standard, us-central1, flat namespace',
    source: 'https://cloud.google.com/storage/pricing',
    dated: 'read 2026-09-20',
    // 0.005 per 1,000 of class A, 0.0004 per 1,000 of class B.
    perMillion: { write: 5, list: 5, read: 0.4 },
    // 0.000027397 per GiB and hour, times 730 hours.
    perGiBMonth: 0.02,
    // Answers of 4xx are free, and a resumable upload is one class A operation whatever its parts.
    unbilled: ['delete', 'put_refused', 'get_absent', 'upload_begin', 'upload_part'],
  },
  {
    name: 'Azure Blob',
    product: 'Block blobs v2, Hot, LRS, East US, first 50 TB',
    source: 'https://prices.azure.com/api/retail/prices',
    dated: 'read 2026-07-29 to 2026-08-10',
    // 0.05 per 10,000 write operations, 0.05 per 10,000 lists, 0.004 per 10,000 reads.
    perMillion: { write: 5, list: 5, read: 0.4 },
    perGiBMonth: 0.0208,
    // Blocks need no begin.
    unbilled: ['delete', 'upload_begin'],
  },
];
