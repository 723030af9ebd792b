/**
 * The ceiling over a hot answer: Node's own HTTP server and a Map of finished answers, the very bytes that Tributary sends
 * (BARE_HEADERS names a file with the headers of one of its answers; trace ids and times stay as they are there), and nothing
 * else: no framework, no check of the input, no trace, no cache to keep fresh. What Tributary's answer from its memory costs
 * more than this is its own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Client } from 'pg';

const env = process.env;

/** Users asked for in one request to the upstream. */
const bulk = 100;

interface Row {
  readonly id: string;
  readonly data: string;
  readonly counts: string;
}

async function rows(): Promise<Row[]> {
  const store = new Client({ connectionString: env['DATABASE_URL'] });
  await store.connect();
  // As Tributary has the two from Postgres: the text that jsonb is written as.
  const { rows } = await store.query<Row>(`
    select id::text, data::jsonb::text as data, jsonb_object_agg(event_type, count)::text as counts
    from users join analytics on user_id = id group by id order by id`);
  await store.end();
  return rows;
}

async function recommendations(ids: readonly string[]): Promise<Record<string, unknown>> {
  // Two of a kind where there is one left: one user alone would be answered with a plain array.
  const query = (ids.length > 1 ? ids : [...ids, ...ids]).map((id) => `user=${id}`).join('&');
  return (await (await fetch(`${env['RECOMMENDATIONS_URL']}/recommendations?${query}`)).json()) as Record<string, unknown>;
}

interface Answer {
  readonly headers: string[];
  readonly body: string;
}

const answers = new Map<string, Answer>();
const file = env['BARE_HEADERS'] ?? '';
const learnt = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : ['content-type', 'application/json'];
const all = await rows();
for (let from = 0; from < all.length; from += bulk) {
  const some = all.slice(from, from + bulk);
  const lists = await recommendations(some.map(({ id }) => id));
  for (const { id, data, counts } of some) {
    const body = `{"user_data":${data},"recommendations":${JSON.stringify(lists[id])},"analytics":${counts}}`;
    answers.set(`/api/aggregated?user_id=${id}`, { headers: [...learnt, 'Content-Length', String(Buffer.byteLength(body))], body });
  }
}

const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
  const answer = answers.get(request.url ?? '');
  if (answer) response.writeHead(200, answer.headers).end(answer.body);
  else if (request.url === '/health') response.writeHead(200).end('{"status":"ok"}');
  else response.writeHead(404).end('{"error":"user not found"}');
});
server.listen(Number(env['PORT'] ?? 8_080), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
