/** Which proxy the environment names for a URL. */

const DEFAULT_PORT: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** URL of the proxy, or null for a direct connection. Lower-case names win; `no_proxy` takes hosts, `.suffix`, `host:port`, `*`. */
export function proxyFor(url: URL, env: Readonly<Record<string, string | undefined>>): string | null {
  const read = (name: string): string => env[name] ?? env[name.toUpperCase()] ?? '';
  const proxy = read(url.protocol === 'https:' ? 'https_proxy' : 'http_proxy');
  if (proxy === '' || excluded(url, read('no_proxy'))) return null;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function excluded(url: URL, noProxy: string): boolean {
  const host = url.hostname.toLowerCase();
  const port = url.port === '' ? DEFAULT_PORT[url.protocol] : url.port;
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(entry => entry !== '')
    .some(entry => {
      if (entry === '*') return true;
      const [, name = entry, entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
      if (entryPort !== undefined && entryPort !== port) return false;
      const suffix = name.replace(/^\*?\./, '');
      return host === suffix || host.endsWith(`.${suffix}`);
    });
}
