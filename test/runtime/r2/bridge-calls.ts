/** What goes over the bridge between bucket.ts in Node and bridge-entry.ts in workerd. */

/** Of a call whose body is the object's; that of another call is its body. */
export const CALL = 'x-call';
/** Of an answer whose body is the object's. */
export const ANSWER = 'x-answer';

export interface BridgeCall {
  readonly method:
    | 'head'
    | 'get'
    | 'put'
    | 'list'
    | 'delete'
    | 'createMultipartUpload'
    | 'uploadPart'
    | 'complete'
    | 'abort';
  readonly key?: string;
  readonly keys?: readonly string[];
  /** Of a multipart upload. */
  readonly id?: string;
  readonly number?: number;
  readonly parts?: readonly { readonly partNumber: number; readonly etag: string }[];
  /** As the binding takes them, but for bytes, which are base64. */
  readonly options?: { readonly ssecKey?: string; readonly sha256?: string };
}

export interface BridgeAnswer {
  readonly value?: unknown;
  readonly thrown?: { readonly name: string; readonly message: string };
}

export function bytesOf(base64: string): ArrayBuffer {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer;
}

export function base64Of(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}
