import { trace as api } from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { pino } from 'pino';
import { expect } from 'vitest';
import { z } from 'zod';
import { spanProcessor } from '../../otel/spans.ts';
import { aggregate } from '../../src/core/aggregate.ts';
import { optional } from '../../src/core/part.ts';
import type { Source } from '../../src/core/source.ts';
import { Admission } from '../../src/http/admission/admission.ts';
import { Edge } from '../../src/http/edge.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { closeServer, listen, portOf } from '../../src/http/server.ts';
import { type Reply, request } from '../support/http-client.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import type { ReceivedSpan } from '../support/otlp-spans.ts';
import { TraceView, traceIdOf } from './traces.ts';

export interface Asked {
  readonly id: string;
}

/** A service whose spans leave by OTLP as they do in production, with a part `it` whose source is what a test is about. */
export interface Situation extends AsyncDisposable {
  readonly edge: Edge;
  ask(id: string, options?: Parameters<typeof request>[1]): Promise<Reply>;
  /** The whole trace of a request that is over. Its only part has one span, which says what became of it. */
  trace(reply: Reply): Promise<TraceView & { readonly part: ReceivedSpan }>;
}

/** All spans of this process go there from now on. */
export async function receiveSpans(): Promise<OtlpReceiver> {
  const receiver = await startOtlpReceiver();
  const { env } = process;
  const before = { ...env };
  Object.assign(env, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '20' });
  api.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [spanProcessor()] }));
  process.env = before;
  return receiver;
}

/** A request that is not recorded. */
export const unrecorded = { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' } };

export async function situation(receiver: OtlpReceiver, it: Source<Asked, unknown>, { inFlightMax = 1_000 } = {}): Promise<Situation> {
  const edge = new Edge({ log: pino({ level: 'silent' }), sampling: { ratio: 1, trustParent: true }, timeoutStatus: 504 });
  const asked = aggregate({ name: 'situation', access: 'public', input: z.object({ id: z.string() }), deadline: '8s', parts: { it: optional(it) } });
  const admission = new Admission(edge, { adaptive: false, inFlightMax });
  edge.load = admission;
  const server = await listen(createRoutes(edge, { '/api/situation': asked }), 0, '127.0.0.1', [(each, response) => admission.sheds(each, response)]);
  return {
    edge,
    ask: (id, options) => request(`http://127.0.0.1:${portOf(server)}/api/situation?id=${id}`, { timeoutMs: 10_000, ...options }),
    async trace(reply) {
      const own = (spans: readonly ReceivedSpan[]) => spans.filter(({ traceId }) => traceId === traceIdOf(reply));
      const spans = own(await receiver.waitFor((all) => own(all).some(({ kind }) => kind === 'server')));
      const view = new TraceView(spans);
      const parts = spans.filter(({ attributes }) => attributes['tributary.part'] !== undefined);
      expect(parts.map(({ name, attributes }) => [name, attributes['tributary.part'], attributes['tributary.source']])).toEqual([['it', 'it', 'it']]);
      const [part] = parts;
      expect(part!.attributes).toMatchObject({ 'tributary.left_ms': expect.any(Number), 'tributary.outcome': expect.any(String) });
      expect(part!.parentSpanId).toBe(spans.find(({ kind }) => kind === 'server')!.spanId);
      return Object.assign(view, { part: part! });
    },
    async [Symbol.asyncDispose]() { await closeServer(server, 0); },
  };
}
