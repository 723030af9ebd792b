/**
 * The floor under Tributary's own cost: the same framework, drivers and statements, and nothing else. No policies, no
 * deadline, no cancelling, no report of what is missing; what the upstream sends is passed through unread.
 */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { Pool as Store } from 'pg';
import { Pool } from 'undici';

const env = process.env;
const upstream = new Pool(env['RECOMMENDATIONS_URL'] ?? '', { connections: 256, pipelining: 1, keepAliveTimeout: 60_000 });

/** One statement for all ids that were asked for in the same turn of the event loop; a pool of its own, as every service has it. */
function batched(name: string, text: string): (id: string) => Promise<string | undefined> {
  type Row = [id: string, json: string];
  const store = new Store({ connectionString: env['DATABASE_URL'], max: Number(env['POOL_SIZE'] ?? 20) });
  store.on('error', (error) => console.error('idle connection:', error.message));
  let waiting = new Map<string, PromiseWithResolvers<string | undefined>>();

  async function flush(): Promise<void> {
    const batch = waiting;
    waiting = new Map();
    try {
      const ids = [...batch.keys()];
      const { rows } = await store.query<Row, [string[]]>({ name, text, values: [ids], rowMode: 'array' });
      for (const [id, json] of rows) batch.get(id)?.resolve(json);
      for (const { resolve } of batch.values()) resolve(undefined); // Those without a row; the others have theirs.
    } catch (error) {
      for (const { reject } of batch.values()) reject(error);
    }
  }

  return (id) => {
    const asked = waiting.get(id);
    if (asked) return asked.promise;
    if (waiting.size === 0) setImmediate(() => void flush());
    const settle = Promise.withResolvers<string | undefined>();
    waiting.set(id, settle);
    return settle.promise;
  };
}

// Tributary's own statements, word for word; test/bench holds them to it.
const userData = batched('user', 'select id::text, data::jsonb::text from users where id = any($1)');
const analytics = batched(
  'analytics',
  `select user_id::text, jsonb_object_agg(event_type, count)::text
   from analytics where user_id = any($1) and event_type is not null group by user_id`,
);

async function recommendations(id: string): Promise<string> {
  const { statusCode, body } = await upstream.request({ method: 'GET', path: `/recommendations?user=${id}` });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`recommendations answered ${statusCode}`);
  return text;
}

const app = new Hono();
const json = { 'content-type': 'application/json' };

app.get('/health', (c) => c.body('{"status":"ok"}', 200, json));
app.get('/api/aggregated', async (c) => {
  const asked = c.req.query('user_id') ?? '';
  if (!/^[0-9]{1,10}$/.test(asked) || Number(asked) > 2_147_483_647) return c.body('{"error":"bad user_id"}', 400, json);
  const id = String(Number(asked));
  const [user, items, counts = '{}'] = await Promise.all([userData(id), recommendations(id), analytics(id)]);
  if (user === undefined) return c.body('{"error":"user not found"}', 404, json);
  return c.body(`{"user_data":${user},"recommendations":${items},"analytics":${counts}}`, 200, json);
});

// Idle connections are kept as Tributary keeps them, or there would be none left to measure.
const serverOptions = { keepAliveTimeout: 75_000 };
serve({ fetch: app.fetch, port: Number(env['PORT'] ?? 8_080), hostname: '127.0.0.1', serverOptions });
process.once('SIGTERM', () => process.exit(0));
