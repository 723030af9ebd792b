/** Of one server of possibly several. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

interface Access {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
}

export interface SingleRedis extends Access {
  readonly kind: 'single';
  readonly server: RedisAddress;
  readonly db: number;
}

export interface SentinelRedis extends Access {
  readonly kind: 'sentinel';
  readonly sentinels: readonly RedisAddress[];
  /** The name under which the sentinels know the master. */
  readonly master: string;
  readonly db: number;
}

export interface ClusterRedis extends Access {
  readonly kind: 'cluster';
  /** Any of its nodes: they know the others. */
  readonly nodes: readonly RedisAddress[];
}

/** What a Redis URL says. */
export type RedisPlace = SingleRedis | SentinelRedis | ClusterRedis;

const kinds = { redis: 'single', 'redis+cluster': 'cluster', 'redis+sentinel': 'sentinel' } as const;

export const redisSchemes: readonly string[] = ['redis', 'rediss', 'redis+cluster', 'rediss+cluster', 'redis+sentinel', 'rediss+sentinel'];

/**
 * Reads `redis://[user:password@]host[:port][/db]`, `redis+cluster://[user:password@]h1:p1,h2:p2` and
 * `redis+sentinel://[user:password@]h1:p1,h2:p2/master-name[/db]`; `rediss` in place of `redis` is over TLS. The user may
 * be empty; user and password are percent-encoded. Throws a TypeError that says what is wrong, never what the password is.
 */
export function parseRedisUrl(text: string): RedisPlace {
  // Not by `URL`: it knows one host alone, and for these schemes neither checks nor decodes it.
  const parts = /^(rediss?(?:\+cluster|\+sentinel)?):\/\/(?:([^/]*)@)?([^/@]*)(?:\/(.*))?$/s.exec(text);
  if (!parts) throw new TypeError(`expected a URL that begins with one of ${redisSchemes.join('://, ')}://, but got another`);
  const [, scheme = '', credentials, hosts = '', path = ''] = parts;
  const kind = kinds[scheme.replace('rediss', 'redis') as keyof typeof kinds];
  const access = { ...credentialsOf(credentials), tls: scheme.startsWith('rediss') };
  const addresses = hosts.split(',').map((host) => addressOf(host, kind === 'sentinel' ? 26_379 : 6_379));
  const [first] = addresses;
  if (kind === 'cluster') {
    if (path !== '') throw new TypeError(`expected nothing after the hosts of a cluster, but got ${shown(path)}`);
    return { kind, nodes: addresses, ...access };
  }
  if (kind === 'sentinel') {
    const [master = '', db = '', ...more] = path.split('/');
    if (!/^[\w.-]+$/.test(master) || more.length > 0) throw new TypeError(`expected /master-name or /master-name/db after the sentinels, but got ${shown(path)}`);
    return { kind, sentinels: addresses, master, db: dbOf(db), ...access };
  }
  if (!first || addresses.length > 1) throw new TypeError(`expected one host, but got ${addresses.length}: several need ${scheme}+cluster:// or ${scheme}+sentinel://`);
  return { kind, server: first, db: dbOf(path), ...access };
}

function credentialsOf(text: string | undefined): Pick<Access, 'user' | 'password'> {
  if (text === undefined) return { user: undefined, password: undefined };
  const colon = text.indexOf(':');
  // What stands there alone could be either, so it is not repeated.
  if (colon < 0) throw new TypeError('expected user:password or :password before the @, but got no colon');
  const password = decoded(text.slice(colon + 1), 'password');
  if (password === '') throw new TypeError('expected a password before the @, but got none');
  return { user: decoded(text.slice(0, colon), 'user') || undefined, password };
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(`expected the ${what} to be percent-encoded, but got a % that begins no such code`);
  }
}

function addressOf(text: string, port: number): RedisAddress {
  const parts = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text);
  const [, v6, name, digits] = parts ?? [];
  const host = v6 ?? name;
  const address = { host: host ?? '', port: digits === undefined ? port : Number(digits) };
  // Not repeated: an @ that was not encoded makes a part of the password look like a host.
  if (!host) throw new TypeError('expected hosts as host, host:port or [address]:port, but got something else');
  if (address.port < 1 || address.port > 65_535) throw new TypeError(`expected a port from 1 to 65535, but got ${address.port}`);
  return address;
}

function dbOf(text: string): number {
  if (!/^\d{0,5}$/.test(text)) throw new TypeError(`expected the number of a database after the last /, but got ${shown(text)}`);
  return Number(text);
}

/** A / in a password that was not encoded puts the rest of it where a path is: then an @ follows. */
const shown = (path: string): string => (path.includes('@') ? 'something with an @: was a / of the password not encoded?' : JSON.stringify(path));
