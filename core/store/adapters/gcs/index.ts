/** The door of the store in Google Cloud Storage. Whoever enters it loads the SDK, so it is entered by `import()`. */
export { openGcsStore } from './gcs-store.js';
export { parseGcsUrl } from './gcs-url.js';
export type { GcsLocation } from './gcs-url.js';
