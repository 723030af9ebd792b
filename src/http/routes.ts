import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Aggregate } from '../core/aggregate.ts';
import { Failure } from '../core/failure.ts';
import type { Method, Operation, Outcome } from '../core/operation.ts';
import type { Edge } from './edge.ts';
import { liveSuffix, serveLive } from './live/serve-live.ts';
import type { Streams } from './live/streams.ts';
import { type Answering, observed } from './observed.ts';
import { perform } from './perform.ts';
import { problem } from './problem.ts';
import { serve } from './serve.ts';

// Of any input and data: what is asked is validated by the definition's own schemas before it is asked.
/* eslint-disable typescript/no-explicit-any -- `never` as input would not let it be asked at all */
export type AnyAggregate = Aggregate<any, unknown>;
export type AnyOperation = Operation<any, any, any, Outcome>;
/* eslint-enable typescript/no-explicit-any */

/** What can be asked at a path: an aggregate by GET, operations by their methods. An aggregate alone stands for itself by GET. */
export type Resource = AnyAggregate | ({ readonly GET?: AnyAggregate } & { readonly [M in Method]?: AnyOperation });

/** By path, whose parameters are written as Hono does: `/api/v1/products/:id`. */
export type Resources = Readonly<Record<`/${string}`, Resource>>;

export type Routes = Hono<{ Bindings: Partial<HttpBindings> }>;

/** The routes of the service: what is defined at each path, its aggregate live where there may be streams, and a problem for everything else. */
export function createRoutes(edge: Edge, resources: Resources, streams?: Streams): Routes {
  const app = new Hono<{ Bindings: Partial<HttpBindings> }>();
  for (const [path, resource] of Object.entries(resources)) {
    const { GET: read, ...operations } = methodsOf(resource);
    if (read) app.get(path, serve(path, read, edge));
    for (const [method, operation] of Object.entries(operations)) app.on(method, path, perform(path, operation, edge));
    app.all(path, otherwise(edge, [...(read ? ['GET', 'HEAD'] : []), ...Object.keys(operations)]));
    if (!read || !streams) continue;
    const live = path + liveSuffix;
    app.get(live, serveLive(live, read, edge, streams)).all(live, otherwise(edge, ['GET', 'HEAD']));
  }
  app.notFound(counted(edge, (_, visit) => problem(new Failure('not_found', 'there is no such route'), visit, edge)));
  return app;
}

/** The aggregates among them, by path. */
export const aggregatesIn = (resources: Resources): Readonly<Record<string, AnyAggregate>> =>
  Object.fromEntries(Object.entries(resources).flatMap(([path, resource]) => {
    const { GET: read } = methodsOf(resource);
    return read ? [[path, read]] : [];
  }));

export const methodsOf = (resource: Resource): Exclude<Resource, AnyAggregate> => (typeof resource === 'function' ? { GET: resource } : resource);

const otherwise = (edge: Edge, allow: readonly string[]) => counted(edge, (c, visit) => {
  const failure = new Failure('method_not_allowed', `expected ${anyOf(allow)}, but got ${c.req.method}`);
  return problem(failure, visit, edge, { allow: allow.join(', ') });
});

/** What no definition answers, counted for whoever asks it. One route for all: a flood of it is one line in the figures. */
const counted = (edge: Edge, answering: Answering) => observed('*', edge, async (c, visit) => {
  const tooMany = await edge.limits?.takeFor(c);
  if (tooMany) throw tooMany;
  return answering(c, visit);
});

const anyOf = (words: readonly string[]): string => words.join(', ').replace(/, ([^,]+)$/, ' or $1');
