/**
 * The part of an R2 binding that the store uses, by its shape. Types of our own, so that whoever uses the store needs no types
 * package: `R2Bucket` of `@cloudflare/workers-types` and that of `wrangler types` both fit (test/store/r2-binding.test.ts).
 */

/** An object without its body, or one that a condition keeps back. */
export interface R2Head {
  readonly key: string;
  readonly size: number;
  /** Without quotes. The MD5 of a body that came in one put. */
  readonly etag: string;
  readonly uploaded: Date;
  readonly customMetadata?: Readonly<Record<string, string>>;
}

export interface R2Body extends R2Head {
  readonly body: R2Stream;
  /** Has an `offset` where it is a range of the object. */
  readonly range?: unknown;
}

export interface R2Stream {
  getReader(): R2Reader;
  /** Throws where it is no stream of bytes, whose readers may bring the memory. */
  getReader(options: { readonly mode: 'byob' }): R2Reader;
  cancel(): Promise<void>;
}

export interface R2Reader {
  read(
    view: Uint8Array<ArrayBuffer>,
  ): Promise<{ readonly done: boolean; readonly value?: Uint8Array<ArrayBuffer> | undefined }>;
  cancel(): Promise<void>;
}

/** ETags without quotes, or `*`. */
export interface R2Condition {
  readonly etagMatches?: string;
  readonly etagDoesNotMatch?: string;
}

export interface R2Keyed {
  /** 32 bytes. */
  readonly ssecKey?: ArrayBuffer;
}

export interface R2GetOptions extends R2Keyed {
  readonly onlyIf?: R2Condition;
  readonly range?: { readonly offset: number; readonly length: number };
}

export interface R2PutOptions extends R2Keyed {
  readonly onlyIf?: R2Condition;
  /** R2 refuses a body that has another. */
  readonly sha256?: ArrayBuffer;
}

export interface R2MultipartOptions extends R2Keyed {
  readonly customMetadata?: Record<string, string>;
}

export interface R2ListOptions {
  readonly prefix: string;
  readonly limit: number;
  readonly startAfter?: string;
  readonly cursor?: string;
}

export interface R2Page {
  readonly objects: readonly R2Head[];
  readonly truncated: boolean;
  /** Of a page that is truncated. */
  readonly cursor?: string;
}

export interface R2Part {
  readonly partNumber: number;
  readonly etag: string;
}

export interface R2Multipart {
  readonly uploadId: string;
  uploadPart(partNumber: number, value: Uint8Array, options?: R2Keyed): Promise<R2Part>;
  complete(parts: R2Part[]): Promise<R2Head>;
  abort(): Promise<void>;
}

export interface R2Binding {
  head(key: string): Promise<R2Head | null>;
  get(key: string, options?: R2GetOptions): Promise<R2Body | R2Head | null>;
  /** Null where a condition did not hold. */
  put(key: string, value: Uint8Array, options?: R2PutOptions): Promise<R2Head | null>;
  list(options?: R2ListOptions): Promise<R2Page>;
  delete(keys: string[]): Promise<void>;
  createMultipartUpload(key: string, options?: R2MultipartOptions): Promise<R2Multipart>;
  /** Asks nothing. */
  resumeMultipartUpload(key: string, uploadId: string): R2Multipart;
}
