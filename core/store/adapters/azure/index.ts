/** The door of the Azure store. Whoever enters it loads the SDK, so it is entered by `import()`. */
export { openAzureStore } from './azure-store.js';
export { parseAzureUrl } from './azure-url.js';
export type { AzureLocation } from './azure-url.js';
