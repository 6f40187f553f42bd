/** Which host names stay on this machine. */

/** Takes a host as a `Host` header or a setting has it: with or without a port, IPv6 with or without brackets. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  if (name === '::1') return true;
  const bare = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(name)?.[1];
  if (bare === undefined) return false;
  return bare === 'localhost' || bare === '[::1]' || isLoopbackAddress(bare);
}

function isLoopbackAddress(name: string): boolean {
  const parts = /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(name);
  return parts !== null && parts.slice(1).every((part) => Number(part) <= 255);
}
