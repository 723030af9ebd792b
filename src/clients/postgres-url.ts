/** What a connection has to be good for, as libpq's `target_session_attrs` has it. */
const kinds = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const;

export type SessionKind = (typeof kinds)[number];

export interface PostgresServers {
  /** A URL for each server, in the order in which they are tried. */
  readonly urls: readonly string[];
  readonly wanted: SessionKind;
}

const example = 'postgres://a:5432,b:5432/app';

/**
 * The servers in a URL, which may name several between commas, as libpq has it. Throws a TypeError that says what was
 * expected and never what came: that may hold a password.
 */
export function parsePostgresUrl(text: string): PostgresServers {
  const [, before, hosts = '', after = ''] = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^@/?#]*)(.*)$/s.exec(text) ?? [];
  const urls = before === undefined ? [] : hosts.split(',').map((host) => `${before}${host}${after}`);
  const bad = urls.length === 0 || !urls.every((url) => URL.canParse(url));
  if (urls.length > 1 && (bad || hosts.split(',').some((host) => /^(:|$)/.test(host)))) throw new TypeError(`expected each of several servers to be a host or host:port, such as ${example}`);
  if (bad) throw new TypeError('expected a URL that starts with postgres:// or postgresql://');
  return { urls, wanted: wantedOf(new URL(urls[0]!).searchParams, urls.length > 1) };
}

function wantedOf(parameters: URLSearchParams, several: boolean): SessionKind {
  const elsewhere = several ? parameters.has('host') || parameters.has('port') : parameters.get('host')?.includes(',');
  if (elsewhere) throw new TypeError(`expected several servers before the path and not in parameters, such as ${example}`);
  const wanted = parameters.getAll('target_session_attrs').at(-1) ?? 'any';
  const kind = kinds.find((one) => one === wanted);
  if (!kind) throw new TypeError(`expected target_session_attrs to be one of ${kinds.join(', ')}`);
  return kind;
}
