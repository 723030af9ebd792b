import { traceparent } from '../../core/trace.ts';
import { etagOf } from '../../core/etag.ts';
import { matches } from '../caching.ts';
import { headerOf, replyOf } from '../context.ts';
import type { Edge } from '../edge.ts';
import { counted } from '../observed.ts';
import { Outgoing } from '../outgoing.ts';
import { notAllowed, type Routes } from '../routes.ts';
import type { OpenApi } from './document.ts';
import { page, pagePolicy, pageScript, pageStyle, swaggerFile } from './page.ts';

interface Published {
  readonly type: string;
  readonly make: () => string | Promise<Buffer>;
  /** In place of the policy that every reply has. */
  readonly policy?: string;
}

/** What is published at each path. */
const publishedBy = (describe: () => OpenApi): Readonly<Record<string, Published>> => ({
  '/openapi.json': { type: 'application/json', make: () => JSON.stringify(describe()) },
  '/docs': { type: 'text/html; charset=utf-8', make: () => page, policy: pagePolicy },
  '/docs/page.css': { type: 'text/css; charset=utf-8', make: () => pageStyle },
  '/docs/start.js': { type: 'text/javascript; charset=utf-8', make: () => pageScript },
  '/docs/swagger-ui.css': { type: 'text/css; charset=utf-8', make: () => swaggerFile('swagger-ui.css') },
  '/docs/swagger-ui-bundle.js': { type: 'text/javascript; charset=utf-8', make: () => swaggerFile('swagger-ui-bundle.js') },
});

/** Adds `/openapi.json`, and `/docs`, which shows it to people. Each file is made when it is first asked for, and then kept. */
export function publish(app: Routes, edge: Edge, describe: () => OpenApi): void {
  for (const [path, { type, make, policy }] of Object.entries(publishedBy(describe))) {
    let made: { readonly body: Buffer<ArrayBuffer>; readonly etag: string } | undefined;
    app.get(path, counted(path, edge, async (c, visit) => {
      made ??= withTag(Buffer.from(await make()));
      const reply = replyOf(c);
      if (policy !== undefined && reply instanceof Outgoing) reply.policy = policy;
      // Asked for anew each time: the next release may say something else at once.
      const headers = { 'cache-control': 'no-cache', etag: made.etag, traceresponse: traceparent(visit.trace) };
      if (matches(headerOf(c, 'if-none-match'), made.etag)) return new Response(null, { status: 304, headers });
      return new Response(made.body, { headers: { ...headers, 'content-type': type } });
    }));
    app.all(path, notAllowed(['GET', 'HEAD'], edge));
  }
}

const withTag = (body: Buffer<ArrayBuffer>) => ({ body, etag: etagOf(body) });
