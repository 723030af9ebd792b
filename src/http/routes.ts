import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Aggregate } from '../core/aggregate.ts';
import { Failure } from '../core/failure.ts';
import type { Edge } from './edge.ts';
import { liveSuffix, serveLive } from './live/serve-live.ts';
import type { Streams } from './live/streams.ts';
import { observed } from './observed.ts';
import { problem } from './problem.ts';
import { serve } from './serve.ts';

// An aggregate of any input and data: the input is validated by the aggregate's own schema before it is asked.
// eslint-disable-next-line typescript/no-explicit-any -- `never` as input would not let it be asked at all
type AnyAggregate = Aggregate<any, unknown>;

export type Routes = Hono<{ Bindings: Partial<HttpBindings> }>;

/** The routes of the service: an aggregate for each path, the same live where there may be streams, and a problem for everything else. */
export function createRoutes(edge: Edge, aggregates: Readonly<Record<`/${string}`, AnyAggregate>>, streams?: Streams): Routes {
  const app = new Hono<{ Bindings: Partial<HttpBindings> }>();
  for (const [path, asked] of Object.entries(aggregates)) {
    app.get(path, serve(path, asked, edge));
    const live = path + liveSuffix;
    if (streams) app.get(live, serveLive(live, asked, edge, streams));
  }
  app.notFound(observed('*', edge, async (c, visit) => {
    const tooMany = await edge.limits?.takeFor(c);
    if (tooMany) throw tooMany;
    if (c.req.path in aggregates || (streams && c.req.path.endsWith(liveSuffix) && c.req.path.slice(0, -liveSuffix.length) in aggregates)) {
      const failure = new Failure('method_not_allowed', `expected GET or HEAD, but got ${c.req.method}`);
      return problem(failure, visit, edge, { allow: 'GET, HEAD' });
    }
    return problem(new Failure('not_found', 'there is no such route'), visit, edge);
  }));
  return app;
}
