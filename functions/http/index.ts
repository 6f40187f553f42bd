/** The door of the portable HTTP app. */
export { createApp, loadDefaults, type App, type AppOptions, type Failure } from './app.js';
export { createGuard, type Guard, type GuardSettings } from './guard.js';
export type { LoadLimits } from './load.js';
export type { HostBytes } from './json-body.js';
export { isLoopbackHost } from './loopback.js';
export { problemResponse } from './problems.js';
export { snakeDeep } from './spelling.js';
