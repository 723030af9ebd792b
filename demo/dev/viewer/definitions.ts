import { z } from 'zod';
import { resourcesOf } from '../../../src/app.ts';
import { closeClients, createClients } from '../../../src/clients/clients.ts';
import type { Aggregate } from '../../../src/core/aggregate.ts';
import { specOf } from '../../../src/core/source.ts';
import { createSources } from '../../../src/sources/sources.ts';
import type { Access } from '../../../src/core/access.ts';
import { aggregatesIn } from '../../../src/http/resources.ts';

/** A policy, in the words of its definition. */
export interface Step {
  readonly policy: string;
  readonly rules: string;
}

export interface PartShape {
  readonly name: string;
  readonly required: boolean;
  /** The name of its source; undefined where somebody wrote it by hand. */
  readonly source: string | undefined;
  /** Outside in. */
  readonly steps: readonly Step[];
  /** Of a nested aggregate. */
  readonly parts: readonly PartShape[];
}

export interface AggregateShape {
  readonly route: string;
  readonly name: string;
  readonly summary: string | undefined;
  readonly deadlineMs: number;
  /** Who may ask. */
  readonly access: string;
  /** What it is asked by; empty where its schema does not say. */
  readonly fields: readonly string[];
  readonly parts: readonly PartShape[];
}

const Limit = z.object({ underWay: z.number(), waiting: z.number() });
const Cache = z.object({
  subject: z.string().optional(),
  by: z.array(z.string()).default([]),
  fresh: z.string(),
  stale: z.string().optional(),
  staleIfError: z.string().optional(),
});
const SourceShape = z.object({
  name: z.string(),
  load: z.custom<object>((load) => typeof load === 'function'),
  key: z.unknown().optional(),
  timeout: z.string().optional(),
  cache: Cache.optional(),
  memoise: z.boolean().default(false),
  guard: z.object({ slow: z.string() }).optional(),
  retry: z.boolean().default(false),
  hedge: z.boolean().default(false),
  limit: Limit.optional(),
});
const BatchShape = z.object({ sizeMax: z.number().optional(), inFlightMax: z.number().optional() });
const Asked = z.custom<object>((source) => typeof source === 'function');
const LookupShape = z.object({ name: z.string(), deadline: z.string(), source: Asked });
const EachShape = z.object({ list: Asked, each: Asked });
const NestedShape = z.object({ name: z.string(), deadline: z.string(), parts: z.record(z.string(), z.unknown()) });

/** The aggregates of this service, read from their definitions; nothing is asked and nothing is connected. */
export async function describeService(): Promise<AggregateShape[]> {
  const nowhere = 'postgres://127.0.0.1:9/none';
  const clients = createClients({
    databaseUrl: nowhere, analyticsUrl: nowhere, recommendationsUrl: 'http://127.0.0.1:9', poolSize: 1, poolWaitMs: 1, statementTimeoutMs: 1,
  }, () => undefined);
  try {
    return describe(aggregatesIn(resourcesOf(createSources({ ...clients, cache: undefined }))));
  } finally {
    await closeClients(clients);
  }
}

/** Any aggregate, as far as it is described: nobody asks it here. */
type Described = Pick<Aggregate<never, unknown>, 'name' | 'summary' | 'deadlineMs' | 'access'> & { readonly input: object };

/** How aggregates are defined, by route. */
export function describe(aggregates: Readonly<Record<string, Described>>): AggregateShape[] {
  return Object.entries(aggregates).map(([route, aggregate]) => ({
    route,
    name: aggregate.name,
    summary: aggregate.summary,
    deadlineMs: aggregate.deadlineMs,
    access: shownAccess(aggregate.access),
    fields: aggregate.input instanceof z.ZodObject ? Object.keys(aggregate.input.shape) : [],
    parts: partsOf(specOf(aggregate)),
  }));
}

function shownAccess(access: Access): string {
  if (typeof access === 'string') return access;
  return 'role' in access ? `role ${access.role}` : `whose ${access.own} it is`;
}

function partsOf(spec: object | undefined): PartShape[] {
  const looked = LookupShape.safeParse(spec).data;
  if (looked) return [{ name: looked.name.replaceAll('-', '_'), required: true, ...sourceOf(looked.source) }];
  const { data } = NestedShape.safeParse(spec);
  return Object.entries(data?.parts ?? {}).map(([name, part]) => {
    const { data: optional } = z.object({ source: Asked }).safeParse(part);
    return { name, required: !optional, ...sourceOf(optional ? optional.source : (part as object)) };
  });
}

function sourceOf(source: object): Pick<PartShape, 'source' | 'steps' | 'parts'> {
  const spec = specOf(source);
  const own = SourceShape.safeParse(spec).data;
  if (own) return { source: own.name, steps: stepsOf(own), parts: [] };
  const nested = NestedShape.safeParse(spec).data;
  if (nested) return { source: nested.name, steps: [{ policy: 'within', rules: nested.deadline }], parts: partsOf(spec) };
  const list = EachShape.safeParse(spec).data;
  if (list) return { source: 'each', steps: [], parts: [{ name: 'list', required: true, ...sourceOf(list.list) }, { name: 'each', required: true, ...sourceOf(list.each) }] };
  return { source: undefined, steps: [], parts: [] };
}

/** In the order of src/policies/source.ts and attempted.ts. */
function stepsOf({ load, key, timeout, cache, memoise, guard, retry, hedge, limit }: z.infer<typeof SourceShape>): Step[] {
  const batch = BatchShape.safeParse(specOf(load)).data;
  const steps: (Step | false | undefined)[] = [
    memoise && { policy: 'memoised', rules: 'once a request' },
    cache && { policy: 'cached', rules: cacheWords(cache) },
    key !== undefined && !cache && !batch && { policy: 'coalesced', rules: 'equal questions share a load' },
    timeout !== undefined && { policy: 'within', rules: timeout },
    retry && { policy: 'retried', rules: 'once, from a budget of a tenth' },
    hedge && { policy: 'hedged', rules: 'a second endpoint, where the first is slow' },
    guard && { policy: 'guarded', rules: `slower than ${guard.slow} counts as failed` },
    limit && { policy: 'limited', rules: `${limit.underWay} under way, ${limit.waiting} waiting` },
    batch && { policy: 'batched', rules: batchWords(batch) },
  ];
  return steps.filter((step) => typeof step === 'object');
}

function cacheWords({ fresh, stale, staleIfError, subject, by }: z.infer<typeof Cache>): string {
  const differs = [subject, ...by].filter((field) => field !== undefined).join(', ');
  return [`fresh ${fresh}`, stale && `then stale ${stale}`, staleIfError && `on failure ${staleIfError}`, `by ${differs}`].filter(Boolean).join(', ');
}

function batchWords({ sizeMax, inFlightMax }: z.infer<typeof BatchShape>): string {
  const bounds = [sizeMax !== undefined && `${sizeMax} keys`, inFlightMax !== undefined && `${inFlightMax} under way`].filter(Boolean);
  return ['across requests', ...bounds].join(', ');
}
