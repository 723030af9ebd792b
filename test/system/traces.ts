import { expect } from 'vitest';
import { json } from '../support/answers.ts';
import type { Reply } from '../support/http-client.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import type { ReceivedSpan } from '../support/otlp-spans.ts';
import type { Database } from '../support/postgres.ts';
import { type SpanTree, spanTree } from '../support/span-tree.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from './gateway.ts';
import { type Environment, type Service, startService } from './service.ts';

export const traceIdOf = ({ headers }: Reply): string => String(headers['traceresponse']).split('-')[1] ?? '';

/** The spans of one trace. */
export class TraceView {
  readonly spans: readonly ReceivedSpan[];

  constructor(spans: readonly ReceivedSpan[]) {
    this.spans = spans;
  }

  /** The only span of this name. */
  span(name: string): ReceivedSpan {
    const [span, ...others] = this.spans.filter((each) => each.name === name);
    if (!span || others.length > 0) throw new Error(`expected one span ${name}, but got ${this.spans.map((each) => each.name).join(', ')}`);
    return span;
  }

  /** Whether one span has a link to another, which may be in another trace. */
  links(name: string): readonly string[] {
    return this.span(name).links.map(({ spanId }) => spanId);
  }
}

/** Waits until so many spans of a request's trace have arrived, and expects them to make this tree, kinds included. */
export async function expectTree(receiver: OtlpReceiver, reply: Reply, tree: SpanTree): Promise<TraceView> {
  const traceId = traceIdOf(reply);
  const own = (spans: readonly ReceivedSpan[]) => spans.filter((span) => span.traceId === traceId);
  const count = (branch: SpanTree): number => branch.slice(1).reduce((sum, child) => sum + count(child as SpanTree), 1);
  const spans = await receiver.waitFor((all) => own(all).length >= count(tree));
  expect(spanTree(spans, traceId, ({ kind, name }) => `${kind} ${name}`)).toEqual(tree);
  return new TraceView(own(spans));
}

/** A service as a process of its own whose spans are received, and what it asks. */
export interface Traced {
  readonly database: Database;
  readonly upstream: Upstream;
  readonly receiver: OtlpReceiver;
  readonly service: Service;
  stop(): Promise<void>;
}

/** Starts it, and asks for user 20: the first request of all learns the types of the key columns besides. */
export async function startTraced(environment: Environment): Promise<Traced> {
  const [database, upstream, receiver] = await Promise.all([seedDatabase(), startUpstream(), startOtlpReceiver()]);
  upstream.answer(json(['a', 'b']));
  const service = await startService({
    DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '20', ...environment,
  });
  await service.ask(20);
  return {
    database, upstream, receiver, service,
    async stop() {
      await service[Symbol.asyncDispose]();
      await Promise.all([upstream.stop(), receiver.stop(), database.drop()]);
    },
  };
}
