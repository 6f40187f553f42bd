/** The door of the plain Node server and its settings. */
export { hostBytes } from './host-bytes.js';
export { anonymousNotice, guardSettings } from './locked.js';
export { MaintenanceThread, type MaintenanceThreadOptions } from './maintenance.js';
export { startServer, type RunningServer, type ServerOptions } from './server.js';
export { storeOptions } from './store-options.js';
export { settingTable, type Setting, type Settings } from './setting-table.js';
export { configVariable, resolveSettings, type SettingSources } from './settings.js';
