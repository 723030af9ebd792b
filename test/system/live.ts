import type { IncomingMessage } from 'node:http';
import { open, type Exchange, type RequestOptions } from '../support/http-client.ts';
import { readSse } from '../support/stream-readers.ts';
import { bounded } from '../support/until.ts';

/** An event of a live answer, as its reader sees it. */
export type LiveEvent = Readonly<Record<string, unknown>> & { readonly event: string; readonly id?: string };

/** A client that watches. `using` has it leave. */
export interface Viewer extends Disposable {
  readonly head: IncomingMessage;
  readonly exchange: Exchange;
  /** The next event; waits for it. Undefined at the end of the stream. */
  next(): Promise<LiveEvent | undefined>;
  /** The next events up to the one that says that these are all for now, without it. */
  untilCurrent(): Promise<readonly LiveEvent[]>;
  leave(): void;
}

/** Opens a user's live answer; resolves with its head. */
export const watchLive = (url: string, userId: string | number, options: RequestOptions = {}): Promise<Viewer> => watchAt(`${url}/api/aggregated/live?user_id=${userId}`, options);

/** The same of any live answer. */
export async function watchAt(url: string, options: RequestOptions = {}): Promise<Viewer> {
  const exchange = await open(url, options);
  const head = await bounded(exchange.response, () => 'expected the head of a live answer');
  const events = readSse(head);
  const next = async (): Promise<LiveEvent | undefined> => {
    const result = await bounded(events.next(), () => `expected another event of ${url}`);
    if (result.done) return undefined;
    const { event, data, id } = result.value;
    return { ...(JSON.parse(data) as Record<string, unknown>), event, ...(id === undefined ? {} : { id }) };
  };
  return {
    head, exchange, next,
    async untilCurrent() {
      const events: LiveEvent[] = [];
      for (let event = await next(); event && event.event !== 'current'; event = await next()) events.push(event);
      return events;
    },
    leave: () => { exchange.destroy(); },
    [Symbol.dispose]: () => { exchange.destroy(); },
  };
}
