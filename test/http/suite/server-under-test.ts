/** What a runtime brings to the suite: a way to start a server with given settings on an empty store. */

export interface ServerSettings {
  readonly apiKeys?: readonly string[];
  readonly allowAnonymous?: boolean;
  readonly corsOrigins?: readonly string[];
  /** Requests, and bytes of bodies, under way before 503. Absent: the runtime's own. */
  readonly load?: { readonly requests: number; readonly bodyBytes: number };
}

export interface ServerUnderTest {
  /** `http://HOST:PORT`, on loopback. */
  readonly url: string;
  /** The runtime itself refuses a Host header that makes no URL, in its own words: the app never sees it. */
  readonly refusesHosts?: boolean;
  close(): Promise<void>;
}

export type StartServer = (settings?: ServerSettings) => Promise<ServerUnderTest>;

/** `loopback`: only this machine can connect. `hosted`: a handler of a cloud, which without keys or `allowAnonymous` serves nobody. */
export type Exposure = 'loopback' | 'hosted';

let names = 0;

/** A name that no other test of this run uses. */
export function freshName(): string {
  names++;
  return `c${names}`;
}

/** Base64 of little-endian 32-bit floats. */
export function base64Of(...numbers: readonly number[]): string {
  return Buffer.from(Float32Array.from(numbers).buffer).toString('base64');
}
