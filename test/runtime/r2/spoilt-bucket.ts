/** A binding around another, for tests: counts what is asked, and spoils requests, answers and bodies where it is told to. */
import type {
  R2Binding,
  R2Body,
  R2GetOptions,
  R2Head,
  R2ListOptions,
  R2Multipart,
  R2MultipartOptions,
  R2Page,
  R2PutOptions,
  R2Stream,
} from '../../../core/store/adapters/r2/r2-binding.js';

export interface SpoiltCall {
  readonly method: string;
  readonly key: string;
}

export interface SpoilRule {
  /** Before the bucket has heard of it. */
  readonly before?: (call: SpoiltCall) => void | Promise<void>;
  /** Once the bucket has done it, before the answer is seen. */
  readonly after?: (call: SpoiltCall) => void | Promise<void>;
  readonly put?: (options: R2PutOptions) => R2PutOptions;
  readonly value?: (value: Uint8Array) => Uint8Array;
  readonly get?: (options: R2GetOptions) => R2GetOptions;
  readonly list?: (options: R2ListOptions) => R2ListOptions;
  readonly page?: (page: R2Page) => R2Page;
  readonly body?: (body: R2Stream) => R2Stream;
}

/** A request or an answer that is never seen again. */
export const never = (): Promise<void> => new Promise(() => {});

export class SpoiltBucket implements R2Binding {
  /** Methods that were called, in order. */
  readonly seen: string[] = [];
  underWay = 0;
  readonly #inner: R2Binding;
  #rule: SpoilRule;

  constructor(inner: R2Binding, rule: SpoilRule = {}) {
    this.#inner = inner;
    this.#rule = rule;
  }

  use(rule: SpoilRule): void {
    this.#rule = rule;
  }

  head(key: string): Promise<R2Head | null> {
    return this.#call('head', key, () => this.#inner.head(key));
  }

  async get(key: string, options: R2GetOptions = {}): Promise<R2Body | R2Head | null> {
    const given = this.#rule.get?.(options) ?? options;
    const object = await this.#call('get', key, () => this.#inner.get(key, given));
    const { body } = this.#rule;
    return object !== null && 'body' in object && body !== undefined
      ? { ...object, body: body(object.body) }
      : object;
  }

  put(key: string, value: Uint8Array, options: R2PutOptions = {}): Promise<R2Head | null> {
    const given = this.#rule.put?.(options) ?? options;
    const sent = this.#rule.value?.(value) ?? value;
    return this.#call('put', key, () => this.#inner.put(key, sent, given));
  }

  async list(options: R2ListOptions): Promise<R2Page> {
    const given = this.#rule.list?.(options) ?? options;
    const page = await this.#call('list', given.prefix, () => this.#inner.list(given));
    return this.#rule.page?.(page) ?? page;
  }

  delete(keys: string[]): Promise<void> {
    return this.#call('delete', keys[0] ?? '', () => this.#inner.delete(keys));
  }

  createMultipartUpload(key: string, options: R2MultipartOptions = {}): Promise<R2Multipart> {
    return this.#call('createMultipartUpload', key, () => this.#inner.createMultipartUpload(key, options));
  }

  resumeMultipartUpload(key: string, uploadId: string): R2Multipart {
    const inner = this.#inner.resumeMultipartUpload(key, uploadId);
    return {
      uploadId,
      uploadPart: (number, value, options) =>
        this.#call('uploadPart', key, () => inner.uploadPart(number, value, options)),
      complete: (parts) => this.#call('completeMultipartUpload', key, () => inner.complete(parts)),
      abort: () => this.#call('abortMultipartUpload', key, () => inner.abort()),
    };
  }

  async #call<T>(method: string, key: string, request: () => Promise<T>): Promise<T> {
    const { before, after } = this.#rule;
    this.seen.push(method);
    this.underWay += 1;
    try {
      await before?.({ method, key });
      const answer = await request();
      await after?.({ method, key });
      return answer;
    } finally {
      this.underWay -= 1;
    }
  }
}

/** Gives `count` bytes of a body, and then its end. */
export const cutAfter =
  (count: number) =>
  (body: R2Stream): R2Stream =>
    remade(body, (bytes) => ({ bytes: bytes.subarray(0, count), ends: true }));

/** Gives `count` bytes of a body, and then nothing more. */
export const stallAfter =
  (count: number) =>
  (body: R2Stream): R2Stream =>
    remade(body, (bytes) => ({ bytes: bytes.subarray(0, count), ends: false }));

/** A body of more bytes than there are, and of which nobody knows the end. */
export const lengthen =
  (count: number, onCancel: () => void) =>
  (body: R2Stream): R2Stream =>
    remade(
      body,
      (bytes) => ({ bytes: Uint8Array.from([...bytes, ...new Uint8Array(count)]), ends: false }),
      onCancel,
    );

function remade(
  body: R2Stream,
  change: (bytes: Uint8Array) => { readonly bytes: Uint8Array; readonly ends: boolean },
  cancel: () => void = () => {},
): R2Stream {
  return new ReadableStream({
    type: 'bytes',
    async start(controller) {
      const whole = await new Response(body as unknown as ReadableStream).arrayBuffer();
      const { bytes, ends } = change(new Uint8Array(whole));
      controller.enqueue(bytes.slice());
      if (ends) controller.close();
    },
    cancel,
  }) as unknown as R2Stream;
}
