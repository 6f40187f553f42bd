/** Settings by name: what there is, and how texts of flags, the environment and a file become values. */
export { settingTable, type Setting, type Settings } from './setting-table.js';
export { configVariable, resolveSettings, type SettingSources } from './resolve-settings.js';
export { parseSettingsFile } from './settings-file.js';
export { storeOptions, type StoreOptions } from './store-options.js';
