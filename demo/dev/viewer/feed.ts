import type { ServerResponse } from 'node:http';

/** What a page is told of at once: what changed within a tenth of a second, so that a burst is a handful of events. */
const gatherMs = 100;
/** How often rates are told. */
const rateMs = 1_000;
/** Tabs that are left open; one more takes the place of the oldest. */
const pagesMax = 10;
/** A page that does not read is cut off, and asks for everything anew: EventSource does so by itself. */
const unreadMax = 4 * 1024 * 1024;

export interface FeedOptions {
  /** All that a page has to know when it comes. */
  readonly snapshot: () => unknown;
  /** What is to be said of those that changed, by their ids. */
  readonly changed: (ids: readonly string[]) => unknown;
  readonly rates: () => unknown;
}

/** Pages that are open, by server-sent events (WHATWG HTML, §9.2): `snapshot`, then `changed` and `rates`. No timer runs while there is none. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #pages = new Set<ServerResponse>();
  #changed = new Set<string>();
  #gathering: NodeJS.Timeout | undefined;
  #telling: NodeJS.Timeout | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  open(page: ServerResponse): void {
    const [oldest] = this.#pages;
    if (oldest && this.#pages.size >= pagesMax) {
      // At once: it says that it has closed only later, and until then would be the oldest again.
      this.#pages.delete(oldest);
      oldest.destroy();
    }
    page.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    this.#pages.add(page);
    page.once('close', () => { this.#left(page); });
    page.write(eventOf('snapshot', this.#options.snapshot()));
    this.#telling ??= setInterval(() => { this.#send('rates', this.#options.rates()); }, rateMs);
  }

  touch(id: string): void {
    if (this.#pages.size === 0) return;
    this.#changed.add(id);
    this.#gathering ??= setTimeout(() => { this.#flush(); }, gatherMs);
  }

  #flush(): void {
    const ids = [...this.#changed];
    this.#changed = new Set();
    this.#gathering = undefined;
    this.#send('changed', this.#options.changed(ids));
  }

  #send(event: string, data: unknown): void {
    const text = eventOf(event, data);
    for (const page of this.#pages) {
      if (page.writableLength > unreadMax) page.destroy();
      else page.write(text);
    }
  }

  #left(page: ServerResponse): void {
    this.#pages.delete(page);
    if (this.#pages.size > 0) return;
    clearTimeout(this.#gathering);
    clearInterval(this.#telling);
    this.#gathering = undefined;
    this.#telling = undefined;
    this.#changed.clear();
  }
}

const eventOf = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
