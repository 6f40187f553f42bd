/** The door of the plain Node server. */
export { hostBytes } from './host-bytes.js';
export { anonymousNotice, guardSettings } from './locked.js';
export { MaintenanceThread, type MaintenanceThreadOptions } from './maintenance.js';
export { startServer, type RunningServer, type ServerOptions } from './server.js';
