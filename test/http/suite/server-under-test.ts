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
  /** Likewise a path that is no UTF-8 when it is decoded. */
  readonly refusesPaths?: boolean;
  /**
   * `whole`: the runtime reads a body to its end before the app sees any of it, refuses one that is too long in its own words or by
   * closing the connection, and hands over text as text. `parsed`: it also inflates the body, and refuses one that is not what its
   * headers say. Absent: the app reads it.
   */
  readonly readsBodies?: 'whole' | 'parsed';
  /** Bytes of a body that the app takes there, when it is inflated. Absent: the app's own limit. */
  readonly bodyBytesMax?: number;
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
