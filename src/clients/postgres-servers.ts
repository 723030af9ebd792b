import { Client, type ClientConfig } from 'pg';
import { isServersFault } from './postgres-failure.ts';
import { sayGoodbye } from './postgres-goodbye.ts';
import type { PostgresServers, SessionKind } from './postgres-url.ts';

/** How long a server that failed is left alone: who waits for it in vain is one request in ten seconds, and not each. */
const restMs = 10_000;

/** Which of several servers the next connection goes to: the first that has not failed of late. */
export class Servers {
  readonly urls: readonly string[];
  readonly wanted: SessionKind;
  /** Of each: until when it is left alone, or 0. */
  readonly #rests: number[];

  constructor({ urls, wanted }: PostgresServers) {
    this.urls = urls;
    this.wanted = wanted;
    this.#rests = urls.map(() => 0);
  }

  /** How many connections may fail before it is certain that none can be had: to prefer one kind is to ask again for any. */
  get tries(): number {
    return this.wanted === 'prefer-standby' && this.urls.length > 1 ? 2 * this.urls.length : this.urls.length;
  }

  next(): number {
    const now = performance.now();
    let at = this.#rests.findIndex((until) => until <= now);
    // All of them failed: the one that did so first may be back first.
    if (at < 0) at = this.#rests.indexOf(Math.min(...this.#rests));
    // One connection tries it, and the others go on to the next server until it is known.
    if (this.#rests[at] !== 0) this.#rests[at] = now + restMs;
    return at;
  }

  works(at: number): void {
    this.#rests[at] = 0;
  }

  failed(at: number): void {
    this.#rests[at] = performance.now() + restMs;
  }

  /** No other server is worth a try now. */
  isLast(at: number): boolean {
    const now = performance.now();
    return this.#rests.every((until, other) => other === at || until > now);
  }
}

/** Connects, for as long as it is a server's fault that it fails and another one may do. */
export async function connectToOne<T>({ tries }: Servers, connect: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await connect();
    } catch (error) {
      if (failures >= tries || !isServersFault(error)) throw error;
    }
  }
}

/** Makes connections: each goes to the server that is next, within `connectMs`, and fails where that is not of the wanted kind. */
export const clientsOf = (servers: Servers, connectMs: number) => class extends Client {
  readonly #at: number;

  constructor(config?: ClientConfig) {
    const at = servers.next();
    super({ ...config, connectionString: servers.urls[at]!, connectionTimeoutMillis: connectMs });
    this.#at = at;
    // What goes wrong is told by the query under way, or by the pool; without a listener the process would end.
    this.on('error', () => undefined);
  }

  override connect(): Promise<Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<Client> | void {
    const connected = this.#connect();
    if (!callback) return connected;
    // As pg calls it: without an error where there is none.
    connected.then(() => { (callback as () => void)(); }, callback);
  }

  async #connect(): Promise<Client> {
    try {
      await super.connect();
      if (servers.wanted !== 'any') await this.#examine(servers.wanted);
      servers.works(this.#at);
      return this;
    } catch (error) {
      if (isServersFault(error)) servers.failed(this.#at);
      throw error;
    }
  }

  /** Within the time that whoever connects has for all of it: the pool cuts the connection when that is over. */
  async #examine(wanted: Exclude<SessionKind, 'any'>): Promise<void> {
    const { rows: [session] } = await this.query<Session>(`select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as "readOnly"`);
    if (session && suits[wanted](session)) return;
    if (wanted === 'prefer-standby' && servers.isLast(this.#at)) return;
    await sayGoodbye(this);
    throw new Error(`expected a server that is ${wanted} (target_session_attrs), but ${this.host}:${this.port} is not`);
  }
};

interface Session {
  readonly standby: boolean;
  readonly readOnly: boolean;
}

const suits: Readonly<Record<Exclude<SessionKind, 'any'>, (session: Session) => boolean>> = {
  'read-write': ({ readOnly }) => !readOnly,
  'read-only': ({ readOnly }) => readOnly,
  primary: ({ standby }) => !standby,
  standby: ({ standby }) => standby,
  'prefer-standby': ({ standby }) => standby,
};
