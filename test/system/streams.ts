import type { IncomingMessage } from 'node:http';
import type { Exchange } from '../support/http-client.ts';
import { readNdjson, readSse } from '../support/stream-readers.ts';
import { bounded } from '../support/until.ts';

/** An event of either kind of stream, as its reader sees it. */
export type StreamEvent = Readonly<Record<string, unknown>> & { readonly event: string };

export const streamTypes = ['text/event-stream', 'application/x-ndjson'] as const;
export type StreamType = (typeof streamTypes)[number];

/** The reply's head and its events, one after the other. */
export interface EventStream {
  readonly head: IncomingMessage;
  /** The next event; waits for it. Undefined at the end of the stream. */
  readonly next: () => Promise<StreamEvent | undefined>;
  /** All that still come. */
  readonly rest: () => Promise<readonly StreamEvent[]>;
}

export async function eventsOf(exchange: Exchange, type: StreamType): Promise<EventStream> {
  const head = await bounded(exchange.response, () => 'expected the head of a stream');
  const events = type === 'text/event-stream' ? fromSse(head) : (readNdjson(head) as AsyncGenerator<StreamEvent>);
  const next = async (): Promise<StreamEvent | undefined> => {
    const result = await bounded(events.next(), () => 'expected another event');
    return result.done ? undefined : result.value;
  };
  return {
    head,
    next,
    async rest() {
      const rest: StreamEvent[] = [];
      for (let event = await next(); event; event = await next()) rest.push(event);
      return rest;
    },
  };
}

async function* fromSse(head: IncomingMessage): AsyncGenerator<StreamEvent> {
  for await (const { event, data } of readSse(head)) yield { event, ...(JSON.parse(data) as Record<string, unknown>) };
}
