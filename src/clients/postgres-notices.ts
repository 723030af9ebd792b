import { Client } from 'pg';
import { channel, parseNotice } from './notify-sql.ts';
import { sayGoodbye } from './postgres-goodbye.ts';
import { Heartbeat, type Pulse } from './postgres-heartbeat.ts';
import { parsePostgresUrl } from './postgres-url.ts';

export interface NoticesOptions {
  /** As it will be read in logs: 'the user database'. */
  readonly name: string;
  /**
   * postgres://… of the primary: a replica refuses LISTEN. Of several servers it is found by that. Not by way of PgBouncer in transaction mode, where a session that
   * listens belongs to somebody else a moment later; unless told to ignore them, it refuses our `options`, so that it shows.
   */
  readonly url: string;
  /** A row was changed, or (`<table>:*`) any number of them: whatever was loaded before is outdated. */
  readonly onGone: (tag: string, token: string) => void;
  /** Nothing is heard any more: changes from now on, and those of the last moments, are missed. */
  readonly onLost: () => void;
  /** Heard again after a loss: what is committed from now on will be told, what was before never. */
  readonly onBack: () => void;
  /** Why nothing is heard; once for each time that is so, however often connecting fails. */
  readonly onTrouble: (error: Error) => void;
  readonly pulse?: Pulse;
}

/** What Postgres tells of changes in tables that `npm run db:notify` was run for. */
export interface Notices {
  /** Whether a change that is committed now would be heard of. */
  readonly listening: boolean;
  /** Resolves when it listens for the first time; with false if it was closed before that. */
  readonly heard: Promise<boolean>;
  /** Resolves when nothing is left; takes 250 ms at most, and tells nobody of a loss. */
  close(): Promise<void>;
}

/** With these a network that was pulled is noticed after 3 s; a query a second costs the server nothing. */
const usualPulse: Pulse = { everyMs: 1_000, limitMs: 2_000 };

const connectMs = 3_000;
const backoffMs = { least: 100, most: 2_000 };

/**
 * If this process is cut off, its backend must not stay: one that cannot send any more keeps all notices of the whole
 * server in their queue. Unacknowledged data ends it after 10 s, silence after 25 s.
 */
const serverSettings = '-c tcp_user_timeout=10000 -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3';

/** Connects at once, and again for as long as it is not closed. */
export const listenForNotices = (options: NoticesOptions): Notices => new PostgresNotices(options);

class PostgresNotices implements Notices {
  readonly heard: Promise<boolean>;
  readonly #options: NoticesOptions;
  readonly #urls: readonly string[];
  readonly #first = Promise.withResolvers<boolean>();
  readonly #running: Promise<void>;
  #state: 'new' | 'troubled' | 'listening' | 'lost' = 'new';
  #closed = false;
  /** Ends what is waited for now: the connection's end, or the next try. */
  #interrupt: () => void = () => undefined;

  constructor(options: NoticesOptions) {
    this.#options = options;
    this.#urls = urlsOf(options.url);
    this.heard = this.#first.promise;
    this.#running = this.#run();
  }

  get listening(): boolean {
    return this.#state === 'listening' && !this.#closed;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#interrupt();
    this.#first.resolve(false);
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let failures = 0, at = 0; !this.#closed; failures += 1) {
      try {
        await this.#listen(this.#urls[at]!);
      } catch (error) {
        if (this.#closed) return;
        at = (at + 1) % this.#urls.length;
        if (this.#state === 'listening') failures = 0;
        // Another server may be the primary: it is no trouble before all of them have refused.
        else if ((failures + 1) % this.#urls.length !== 0) continue;
        this.#tellTrouble(error);
        await this.#pause(backoff(failures));
      }
    }
  }

  /** Listens on one connection until it is over. Rejects with why, unless it was closed. */
  async #listen(url: string): Promise<void> {
    const client = createClient(url);
    const over = Promise.withResolvers<void>();
    this.#interrupt = over.resolve;
    client.on('error', over.reject);
    client.on('end', () => { over.reject(new Error('the server closed the connection')); });
    const heartbeat = new Heartbeat(client, this.#options.pulse ?? usualPulse, over.reject);
    client.on('notification', ({ channel: from, payload = '' }) => {
      heartbeat.hear();
      const notice = from === channel && !this.#closed ? parseNotice(payload) : undefined;
      if (notice) this.#options.onGone(notice.tag, notice.token);
    });
    try {
      await Promise.race([client.connect(), over.promise]);
      if (this.#closed) return;
      void heartbeat.start(`listen ${channel}`).then(() => { this.#tellListening(); });
      await over.promise;
    } finally {
      heartbeat.stop();
      if (this.#closed && this.#state === 'listening') await sayGoodbye(client);
      else client.connection.stream.destroy();
    }
  }

  #tellListening(): void {
    if (this.#closed) return;
    const before = this.#state;
    this.#state = 'listening';
    this.#first.resolve(true);
    if (before === 'lost') this.#options.onBack();
  }

  #tellTrouble(cause: unknown): void {
    const before = this.#state;
    this.#state = before === 'listening' || before === 'lost' ? 'lost' : 'troubled';
    if (before === 'listening') this.#options.onLost();
    // Which may have closed it.
    if (!this.#closed && (before === 'listening' || before === 'new')) this.#options.onTrouble(new Error(`changes in ${this.#options.name} are not heard of`, { cause }));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
      // What was told may have closed it.
      if (this.#closed) this.#interrupt();
    });
  }
}

function urlsOf(url: string): readonly string[] {
  try {
    return parsePostgresUrl(url).urls;
  } catch {
    // What is wrong with it is told where connecting fails.
    return [url];
  }
}

const createClient = (url: string): Client => new Client({
  connectionString: url,
  connectionTimeoutMillis: connectMs,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  application_name: 'tributary-notices',
  options: serverSettings,
});

/** Doubles from try to try; half of it by chance, so that all processes do not come back at once. */
function backoff(failures: number): number {
  const ms = Math.min(backoffMs.least * 2 ** Math.min(failures, 10), backoffMs.most);
  return ms / 2 + Math.random() * ms / 2;
}
