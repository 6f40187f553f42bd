/**
 * A bucket of R2 as miniflare has it, in workerd, and its binding for tests in Node. The binding is a stand-in of the same shape,
 * each call of which is one HTTP request to a Worker with the real one. Miniflare has a stand-in too (`getR2Bucket`), which asks
 * the Worker once more for each property of each object: lists of thousands of keys take minutes with it. One test goes
 * through it (r2-store.test.ts).
 *
 * What that R2 is not: it takes any number of writes per second and key, encrypts nothing, and forbids nothing.
 */
import type {
  R2Binding,
  R2Body,
  R2Head,
  R2Page,
  R2Part,
} from '../../../core/store/adapters/r2/r2-binding.js';
import { bundleWorker, startWorker } from '../workerd.js';
import { ANSWER, base64Of, CALL } from './bridge-calls.js';
import type { BridgeAnswer, BridgeCall } from './bridge-calls.js';

export interface LocalR2 {
  /** A binding of the one bucket there is, as another Worker would have it. */
  bind(): R2Binding;
  /** Miniflare's own stand-in. */
  proxy(): Promise<R2Binding>;
  close(): Promise<void>;
}

/** `folder`: where its objects are, for another Worker later. Default: gone with it. */
export async function startR2(folder?: string): Promise<LocalR2> {
  const bridge = await bundleWorker('test/runtime/r2/bridge-entry.ts');
  const worker = await startWorker(bridge, {}, ['BUCKET'], folder);
  return {
    bind: () => new BridgedBucket(worker.url),
    proxy: () => worker.bucket('BUCKET') as Promise<R2Binding>,
    close: () => worker.close(),
  };
}

interface PlainHead extends Omit<R2Head, 'uploaded'> {
  readonly uploaded: number;
}

const headOf = (plain: PlainHead): R2Head => ({ ...plain, uploaded: new Date(plain.uploaded) });
const tryHeadOf = (plain: unknown): R2Head | null => (plain === null ? null : headOf(plain as PlainHead));

class BridgedBucket implements R2Binding {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async head(key: string): Promise<R2Head | null> {
    return tryHeadOf(await this.#value({ method: 'head', key }));
  }

  async get(key: string, options: object = {}): Promise<R2Body | R2Head | null> {
    const response = await this.#send({ method: 'get', key, options });
    const header = response.headers.get(ANSWER);
    if (header === null) return tryHeadOf(valueOf((await response.json()) as BridgeAnswer));
    const head = headOf(valueOf(JSON.parse(decodeURIComponent(header)) as BridgeAnswer) as PlainHead);
    return { ...head, body: response.body as unknown as R2Body['body'] };
  }

  async put(key: string, value: Uint8Array, options: object = {}): Promise<R2Head | null> {
    return tryHeadOf(await this.#value({ method: 'put', key, options }, value));
  }

  async list(options: object = {}): Promise<R2Page> {
    const page = (await this.#value({ method: 'list', options })) as {
      readonly objects: readonly PlainHead[];
      readonly truncated: boolean;
      readonly cursor?: string;
    };
    return { ...page, objects: page.objects.map(headOf) };
  }

  async delete(keys: string[]): Promise<void> {
    await this.#value({ method: 'delete', keys });
  }

  async createMultipartUpload(
    key: string,
    options: object = {},
  ): ReturnType<R2Binding['createMultipartUpload']> {
    const id = (await this.#value({ method: 'createMultipartUpload', key, options })) as string;
    return this.resumeMultipartUpload(key, id);
  }

  resumeMultipartUpload(key: string, uploadId: string): ReturnType<R2Binding['resumeMultipartUpload']> {
    const id = uploadId;
    return {
      uploadId,
      uploadPart: async (number, value, options = {}) =>
        (await this.#value(
          { method: 'uploadPart', key, id, number, options: options as object },
          value,
        )) as R2Part,
      complete: async (parts) =>
        headOf((await this.#value({ method: 'complete', key, id, parts })) as PlainHead),
      abort: async () => {
        await this.#value({ method: 'abort', key, id });
      },
    };
  }

  async #value(call: BridgeCall, body?: Uint8Array): Promise<unknown> {
    const response = await this.#send(call, body);
    return valueOf((await response.json()) as BridgeAnswer);
  }

  async #send(call: BridgeCall, body?: Uint8Array): Promise<Response> {
    const text = JSON.stringify(call, (_, value: unknown) =>
      value instanceof ArrayBuffer ? base64Of(value) : value,
    );
    return await fetch(this.#url, {
      method: 'POST',
      body: body === undefined ? text : (body as Uint8Array<ArrayBuffer>),
      headers: {
        // A test that computes for seconds would find that workerd has closed what was left open, and lose its request.
        connection: 'close',
        // Else miniflare spends most of the time on compression.
        'accept-encoding': 'identity',
        ...(body === undefined ? {} : { [CALL]: encodeURIComponent(text) }),
      },
    });
  }
}

function valueOf({ value, thrown }: BridgeAnswer): unknown {
  if (thrown === undefined) return value;
  throw Object.assign(new Error(thrown.message), { name: thrown.name });
}
