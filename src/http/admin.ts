import { Hono } from 'hono';
import type { Cache } from '../cache/cache.ts';
import type { Reading } from '../core/meter.ts';
import { metricsText } from './metrics-text.ts';

/** A tag as sources write it, `users:42`, or a whole group, `users:*`. */
const tagForm = /^[^:\s]{1,128}:\S{1,256}$/;

/**
 * What operators ask and tell the service, on the port that is not for clients: `GET /metrics` for Prometheus, and
 * `POST /cache/invalidate?tag=users:42`, several tags or `users:*` as well, which makes every process forget what was loaded before.
 */
export function createAdmin(cache: Cache | undefined, metrics: () => Promise<readonly Reading[]>): Hono {
  const app = new Hono();
  app.get('/metrics', async (c) => c.text(metricsText(await metrics()), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }));
  app.post('/cache/invalidate', async (c) => {
    const tags = c.req.queries('tag') ?? [];
    if (tags.length === 0 || !tags.every((tag) => tagForm.test(tag))) {
      return c.text(`expected ?tag=group:id or ?tag=group:*, several of them if need be, but got ${tags.length === 0 ? 'none' : JSON.stringify(tags)}\n`, 400);
    }
    if (!cache) return c.text('nothing is cached: CACHE=off\n');
    const told = await cache.invalidate(tags);
    return told ? c.text('forgotten\n') : c.text('forgotten by this process; Redis could not be told, so other processes go by their time-outs\n', 502);
  });
  return app;
}
