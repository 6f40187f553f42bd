/** The lock as settings state it: what may be served where without keys. */
import { CairnError } from '../../core/base/errors.js';
import { isLoopbackHost } from '../http/index.js';
import type { GuardSettings } from '../http/index.js';
import type { Settings } from '../settings/index.js';

/** Throws where the settings would serve anyone on the network without having said so. */
export function guardSettings({ host, apiKeys, allowAnonymous }: Settings): GuardSettings {
  const exposure = isLoopbackHost(host) ? 'loopback' : 'hosted';
  if (exposure === 'hosted' && apiKeys.length === 0 && !allowAnonymous) {
    throw new CairnError(
      'invalid',
      'no_keys_configured',
      `refusing to listen on ${host}, which is not loopback, without API keys: set CAIRN_API_KEYS, or ` +
        'CAIRN_ALLOW_ANONYMOUS=true to serve anyone',
      { details: { host } },
    );
  }
  return { keys: apiKeys, allowAnonymous, exposure };
}

/** What the start says about who may call; undefined where keys are asked for. */
export function anonymousNotice({ keys, exposure }: GuardSettings): string | undefined {
  if (keys.length > 0) return undefined;
  return exposure === 'loopback'
    ? 'no API keys: anyone on this machine may read and write (set CAIRN_API_KEYS to lock)'
    : 'CAIRN_ALLOW_ANONYMOUS is set: ANYONE WHO CAN CONNECT may read and write';
}
