import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { Failure } from '../core/failure.ts';
import type { SchemaOf } from './client-types.ts';
import type { Edge } from './edge.ts';
import { ExactFirst } from './exact-first.ts';
import { liveSuffix, serveLive } from './live/serve-live.ts';
import type { Streams } from './live/streams.ts';
import { counted } from './observed.ts';
import { perform } from './perform.ts';
import { problem } from './problem.ts';
import { methodsOf, type Resource, type Resources } from './resources.ts';
import { serve } from './serve.ts';

interface Bound {
  Bindings: Partial<HttpBindings>;
}

export type Routes = Hono<Bound>;

/** The same as clients know it: `hc<RoutesOf<…>>(url)`. */
export type RoutesOf<R extends Resources> = Hono<Bound, SchemaOf<R>>;

/** The routes of the service: what is defined at each path, its aggregate live where there may be streams, and a problem for everything else. */
export function createRoutes<const R extends Resources>(edge: Edge, resources: R, streams?: Streams): RoutesOf<R> {
  const app = new Hono<Bound>({ router: new ExactFirst() });
  for (const [path, resource] of Object.entries<Resource>(resources)) {
    const { GET: read, ...operations } = methodsOf(resource);
    if (read) app.get(path, serve(path, read, edge));
    for (const [method, operation] of Object.entries(operations)) app.on(method, path, perform(path, operation, edge));
    app.all(path, notAllowed([...(read ? ['GET', 'HEAD'] : []), ...Object.keys(operations)], edge));
    if (!read || !streams) continue;
    const live = path + liveSuffix;
    app.get(live, serveLive(live, read, edge, streams)).all(live, notAllowed(['GET', 'HEAD'], edge));
  }
  app.notFound(counted('*', edge, (_, visit) => problem(new Failure('not_found', 'there is no such route'), visit, edge)));
  return app;
}

/** The reply to a method that a path does not have. One route for all: a flood of it is one line in the figures. */
export const notAllowed = (allow: readonly string[], edge: Edge) => counted('*', edge, (c, visit) => {
  const failure = new Failure('method_not_allowed', `expected ${anyOf(allow)}, but got ${c.req.method}`);
  return problem(failure, visit, edge, { allow: allow.join(', ') });
});

const anyOf = (words: readonly string[]): string => words.join(', ').replace(/, ([^,]+)$/, ' or $1');
