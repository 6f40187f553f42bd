/** The door of the S3 store. Whoever enters it loads the SDK, so it is entered by `import()`. */
export { openS3Store } from './s3-store.js';
export { parseS3Url } from './s3-url.js';
export type { S3Location } from './s3-url.js';
