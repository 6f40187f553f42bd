/** What is asked of a customer key before any store is: that it is one, and that nobody hears it on its way. */
import { invalid } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * `address`: where requests go; absent where a host answers for the way. Over http only to the machine itself.
 * Throws `invalid` (`invalid_customer_key`).
 */
export function mustBeCustomerKey(key: Uint8Array, address?: string): void {
  if (key.length !== limits.customerKeyBytes) {
    const message = `the customer key has ${key.length} bytes, not ${limits.customerKeyBytes}`;
    throw invalid('invalid_customer_key', message);
  }
  if (address === undefined) return;
  const { protocol, hostname } = URL.canParse(address) ? new URL(address) : {};
  if (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname ?? ''))) return;
  throw invalid(
    'invalid_customer_key',
    'a customer key goes over https only, over http to this machine itself',
  );
}
