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
export {
  webResponse,
  type BodyReader,
  type BodyStream,
  type HttpAnswer,
  type HttpRequest,
  type PlatformLimits,
} from './message/index.js';
export { asCallersSee, failureLine, misconfiguredAnswer } from './operator-log.js';
export { runMaintenance } from './upkeep.js';
export { problemAnswer } from './problems.js';
export { version } from './version.generated.js';
export { snakeDeep } from './schema/index.js';
