/** The door of what only Node can do: the file store and fast digests and compression. */
export { openFileStore } from './file-store.js';
export type { FileStoreOptions } from './file-store.js';
export type { FileStoreStep } from './durable-files.js';
export { nodeDeflate } from './deflate.js';
export { nodeSha256 } from './sha256.js';
export { warmDirectory } from './warm-directory.js';
export type { WarmDirectoryOptions } from './warm-directory.js';
