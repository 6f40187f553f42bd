/**
 * Requests to one container, each with an end in time, and no more of them at once than the URL allows. The SDK's own retries are off;
 * the wrappers of core/store and the log repeat what may be repeated.
 */
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { bounded } from '../bucket/index.js';
import type { BucketPorts, Late } from '../bucket/index.js';
import { nameOf } from './azure-names.js';
import type { AzureLocation } from './azure-url.js';

export class AzureRequests {
  readonly container: ContainerClient;
  readonly #ports: BucketPorts;
  readonly #location: AzureLocation;
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #sent = 0;

  constructor(container: ContainerClient, location: AzureLocation, ports: BucketPorts) {
    this.container = container;
    this.#location = location;
    this.#ports = ports;
    this.#free = location.connections;
  }

  /** Requests so far, parts of uploads and pages of lists included. */
  get sent(): number {
    return this.#sent;
  }

  /** When the store gave this answer, by its own clock; by ours where it does not say. */
  dateOf({ lastModified, date }: { readonly lastModified?: Date; readonly date?: Date }): number {
    return (lastModified ?? date)?.getTime() ?? this.#ports.clock.wallMs();
  }

  /** Throws `invalid` (`key_too_long`). */
  blob(key: string): BlockBlobClient {
    return this.container.getBlockBlobClient(nameOf(this.#location.prefix + key));
  }

  /** One request at a time of those that may be open: until `work` has settled, with the body of an answer. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  /** One request, in its turn. */
  request<T>(send: (late: Late) => Promise<T>, bytes: number = 0, answerMs?: number): Promise<T> {
    return this.inTurn(() => this.send(send, bytes, answerMs));
  }

  /** One request, for whoever has the turn: gives it the time of an answer, and what `bytes` take on a slow line. */
  send<T>(
    send: (late: Late) => Promise<T>,
    bytes: number = 0,
    answerMs: number = this.#location.answerMs,
  ): Promise<T> {
    this.#sent += 1;
    return this.bounded(send, bytes, answerMs);
  }

  /** What is no request of its own: the body of an answer. */
  bounded<T>(
    read: (late: Late) => Promise<T>,
    bytes: number,
    answerMs: number = this.#location.answerMs,
  ): Promise<T> {
    return bounded(this.#ports, { answerMs, bytes }, read);
  }
}
