/**
 * What a fake bucket keeps. Between the look at a condition and the write nothing else runs, so that of any number of racers one
 * wins. Generations only rise, and none comes twice, also not after a deletion:
 * https://cloud.google.com/storage/docs/metadata#generation-number and
 * https://cloud.google.com/storage/docs/request-preconditions
 */
import { createHash } from 'node:crypto';
import { compileEmbeddedKernel, Kernel } from '../../../core/kernel/index.js';
import { conditionNotMet, noSuchObject, Refusal } from './refusal.js';

const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 16 * 1024 * 1024 });

export interface FakeObject {
  readonly name: string;
  readonly bytes: Buffer;
  readonly generation: string;
  readonly updatedMs: number;
  /** Base64, as metadata has them. */
  readonly crc32c: string;
  readonly md5Hash: string;
  readonly contentType: string;
  readonly cacheControl: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly kmsKeyName: string | undefined;
  /** Base64 of the SHA-256 of the key that the client brought. */
  readonly keySha256: string | undefined;
}

export type NewObject = Omit<FakeObject, 'generation' | 'updatedMs' | 'crc32c' | 'md5Hash'>;

/** Checksums and conditions that came with a body. */
export interface Demands {
  readonly ifGenerationMatch?: string | undefined;
  readonly ifGenerationNotMatch?: string | undefined;
  readonly crc32c?: string | undefined;
  readonly md5Hash?: string | undefined;
}

export type Permission = 'objects.get' | 'objects.list' | 'objects.create' | 'objects.delete' | 'buckets.get';

/** https://cloud.google.com/storage/quotas#objects: one write per second and name. */
const WRITE_EVERY_MS = 1_000;

let lastGeneration = 0;

export function crc32cOf(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(kernel.crc32c(bytes));
  return sum.toString('base64');
}

export class FakeBucket {
  readonly name: string;
  /** What everybody may do without credentials. */
  everyone: ReadonlySet<Permission>;
  lifecycle: object | undefined;
  /** Of what is put. */
  storageClass = 'STANDARD';
  autoclass: { readonly enabled: boolean } | undefined;
  /** Requests have to name the project that pays for them. */
  requesterPays = false;
  /** Answers 429 to the second write of a name within a second, whatever became of the first. */
  slowWrites = false;
  /** Pages come short and empty, as Google's documents allow. */
  raggedPages = false;
  /** Bytes of each body of an object after which the connection breaks. */
  cutAt: number | undefined;
  /** Of a part of an upload that came, so many bytes are kept. */
  keeps: (bytes: number) => number = (bytes) => bytes;
  readonly #objects = new Map<string, FakeObject>();
  readonly #writes = new Map<string, number>();
  #sorted: readonly FakeObject[] | undefined;

  constructor(name: string, everyone: Iterable<Permission>) {
    this.name = name;
    this.everyone = new Set(everyone);
  }

  find(name: string): FakeObject | undefined {
    return this.#objects.get(name);
  }

  /** In the order of the bytes of their names: https://cloud.google.com/storage/docs/listing-objects */
  sorted(): readonly FakeObject[] {
    const byBytes = (a: FakeObject, b: FakeObject): number =>
      Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
    return (this.#sorted ??= [...this.#objects.values()].sort(byBytes));
  }

  insert(object: NewObject, demands: Demands): FakeObject {
    this.#mustBeSlow(object.name);
    mustHold(demands, this.find(object.name));
    const sums = {
      crc32c: crc32cOf(object.bytes),
      md5Hash: createHash('md5').update(object.bytes).digest('base64'),
    };
    mustMatch('CRC32C', demands.crc32c, sums.crc32c);
    mustMatch('MD5 hash', demands.md5Hash, sums.md5Hash);
    const updatedMs = Date.now();
    lastGeneration = Math.max(lastGeneration + 1, updatedMs * 1_000);
    const made = { ...object, ...sums, updatedMs, generation: String(lastGeneration) };
    this.#objects.set(object.name, made);
    this.#sorted = undefined;
    return made;
  }

  delete(name: string, demands: Demands): void {
    this.#mustBeSlow(name);
    const found = this.find(name);
    if (found === undefined) throw noSuchObject(this.name, name);
    mustHold(demands, found);
    this.#objects.delete(name);
    this.#sorted = undefined;
  }

  #mustBeSlow(name: string): void {
    if (!this.slowWrites) return;
    const waited = Date.now() - (this.#writes.get(name) ?? 0);
    this.#writes.set(name, Date.now());
    if (waited >= WRITE_EVERY_MS) return;
    const message = `The object ${this.name}/${name} exceeded the rate limit for object mutation operations (create, update, and delete). Please reduce your request rate.`;
    throw new Refusal(429, 'rateLimitExceeded', message);
  }
}

function mustHold({ ifGenerationMatch, ifGenerationNotMatch }: Demands, found: FakeObject | undefined): void {
  const generation = found?.generation ?? '0';
  if (ifGenerationMatch !== undefined && ifGenerationMatch !== generation) throw conditionNotMet();
  if (ifGenerationNotMatch !== undefined && ifGenerationNotMatch === generation) throw conditionNotMet();
}

/** https://cloud.google.com/storage/docs/data-validation */
function mustMatch(what: string, provided: string | undefined, calculated: string): void {
  if (provided === undefined || provided === calculated) return;
  const message = `Provided ${what} "${provided}" doesn't match calculated ${what} "${calculated}".`;
  throw new Refusal(400, 'invalid', message);
}
