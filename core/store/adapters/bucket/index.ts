/** What the stores in buckets of clouds share, whichever SDK speaks to them. */
export { planBody, readBody } from './body.js';
export type { BodyPlan, BodyRead, Chunks } from './body.js';
export { mustBeEndpoint, parseBucketUrl, urlRefused } from './bucket-url.js';
export type { BucketLocation, BucketUrl, BucketUrlForm } from './bucket-url.js';
export { mustBeCustomerKey } from './customer-key.js';
export { deleteEach } from './delete-each.js';
export { faultTable, putEnd, storeError, strangeAnswer } from './faults.js';
export type { FaultTable, StoreAccess, StoreCondition, StoreFailed, StoreFault } from './faults.js';
export { listKeys } from './listing.js';
export type { KeyListing, ListedPage, PageAsked } from './listing.js';
export { openPartedUpload } from './parted-upload.js';
export type { PartedUpload, UploadPart } from './parted-upload.js';
export { testStore, unfitStore } from './self-test.js';
export type { SelfTest } from './self-test.js';
export { bounded } from './bucket-ports.js';
export type { BucketOptions, BucketPorts, Late, OpenedBucketStore } from './bucket-ports.js';
