import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Aggregate } from '../core/aggregate.ts';
import { Failure } from '../core/failure.ts';
import type { Method, Operation, Outcome } from '../core/operation.ts';
import type { SchemaOf } from './client-types.ts';
import type { Edge } from './edge.ts';
import { counted } from './observed.ts';
import { perform } from './perform.ts';
import { problem } from './problem.ts';
import { serve } from './serve.ts';

// Of any input and data: what is asked is validated by the definition's own schemas before it is asked.
/* eslint-disable typescript/no-explicit-any -- `never` as input would not let it be asked at all */
export type AnyAggregate = Aggregate<any, unknown>;
export type AnyOperation = Operation<any, any, any, Outcome, any>;
/* eslint-enable typescript/no-explicit-any */

/** What can be asked at a path: an aggregate by GET, operations by their methods. An aggregate alone stands for itself by GET. */
export type Resource = AnyAggregate | ({ readonly GET?: AnyAggregate } & { readonly [M in Method]?: AnyOperation });

/** By path, whose parameters are written as Hono does: `/api/v1/products/:id`. */
export type Resources = Readonly<Record<`/${string}`, Resource>>;

interface Bound {
  Bindings: Partial<HttpBindings>;
}

export type Routes = Hono<Bound>;

/** The same as clients know it: `hc<RoutesOf<…>>(url)`. */
export type RoutesOf<R extends Resources> = Hono<Bound, SchemaOf<R>>;

/** The routes of the service, and a problem for everything else. */
export function createRoutes<const R extends Resources>(edge: Edge, resources: R): RoutesOf<R> {
  const app = new Hono<Bound>();
  for (const [path, resource] of Object.entries<Resource>(resources)) {
    const { GET: read, ...operations } = methodsOf(resource);
    if (read) app.get(path, serve(path, read, edge));
    for (const [method, operation] of Object.entries(operations)) app.on(method, path, perform(path, operation, edge));
    const allow = [...(read ? ['GET', 'HEAD'] : []), ...Object.keys(operations)];
    app.all(path, notAllowed(allow, edge));
  }
  app.notFound(counted('*', edge, (_, visit) => problem(new Failure('not_found', 'there is no such route'), visit, edge)));
  return app;
}

/** The aggregates among them, by path. */
export const aggregatesIn = (resources: Resources): Readonly<Record<string, AnyAggregate>> =>
  Object.fromEntries(Object.entries(resources).flatMap(([path, resource]) => {
    const { GET: read } = methodsOf(resource);
    return read ? [[path, read]] : [];
  }));

export const methodsOf = (resource: Resource): Exclude<Resource, AnyAggregate> => (typeof resource === 'function' ? { GET: resource } : resource);

/** The reply to a method that a path does not have. One route for all: a flood of it is one line in the figures. */
export const notAllowed = (allow: readonly string[], edge: Edge) => counted('*', edge, (c, visit) => {
  const failure = new Failure('method_not_allowed', `expected ${anyOf(allow)}, but got ${c.req.method}`);
  return problem(failure, visit, edge, { allow: allow.join(', ') });
});

const anyOf = (words: readonly string[]): string => words.join(', ').replace(/, ([^,]+)$/, ' or $1');
