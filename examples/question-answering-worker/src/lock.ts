/** Who may call: whoever has the key. */
import { Problem } from './problem.js';

/** Throws `Problem` 503 where there is no key yet, and 401 where the caller's is not it. */
export async function mustHaveKey(request: Request, key: string | undefined): Promise<void> {
  if (!key) throw new Problem(503, 'no_key_configured', 'no key is set: npx wrangler secret put API_KEY');
  const given = /^bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? '';
  // Of digests, which are of one length: how long it takes tells nothing of the key.
  if (!crypto.subtle.timingSafeEqual(await digestOf(given), await digestOf(key)))
    throw new Problem(401, 'key_required', 'send the key: Authorization: Bearer KEY');
}

function digestOf(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
}
