/** The suite's settings as the variables that every runtime takes them from. */
import type { ServerSettings } from '../../http/suite/index.js';
import type { Environment } from '../node-process.js';

export function variablesOf({ apiKeys, allowAnonymous, corsOrigins }: ServerSettings = {}): Environment {
  return {
    ...(apiKeys === undefined ? {} : { CAIRN_API_KEYS: apiKeys.join(',') }),
    ...(allowAnonymous === undefined ? {} : { CAIRN_ALLOW_ANONYMOUS: String(allowAnonymous) }),
    ...(corsOrigins === undefined ? {} : { CAIRN_CORS_ORIGINS: corsOrigins.join(',') }),
  };
}
