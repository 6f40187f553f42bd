/** The door of the portable HTTP app. */
export { createApp, loadDefaults, type App, type AppOptions, type Failure } from './app.js';
export {
  createGuard,
  isLoopbackHost,
  type Guard,
  type GuardSettings,
  type LoadLimits,
} from './access/index.js';
export type { HostBytes } from './body/index.js';
export { webResponse, type BodyReader, type HttpAnswer, type HttpRequest } from './message/index.js';
export { problemAnswer } from './problems.js';
export { snakeDeep } from './schema/index.js';
