// A client in TypeScript, without generated code: npm run example:client, beside `npm run dev`.
import { join } from 'node:path';
import { hc, type InferResponseType } from 'hono/client';
import type { Api } from '../../src/app.ts';
import type { Incomplete, Problem, StreamEvent } from '../../src/http/client-types.ts';
import { demoToken } from '../dev/demo-token.ts';
import { lines } from './lines.ts';
import { productsOf } from './products.ts';

const url = process.env['GATEWAY_URL'] ?? 'http://127.0.0.1:8080';
const root = join(import.meta.dirname, '../..');

// An operator's, who may read any. Where nobody is asked who they are it is not looked at.
const token = await demoToken(root, { user: 'ops', role: ['admin'], ttl: '5m' });
const client = hc<Api>(url, { headers: { authorization: `Bearer ${token}` } });
const { aggregated } = client.api;

try {
  const etag = await wholeAnswer('7');
  await sameAgain('7', etag);
  await asItLands('7');
  await refused('no id!');
  await productsOf(client, tell);
} catch (error) {
  const { cause, message } = error as Error;
  console.error(cause ? `expected the service at ${url}, but it does not answer (${(cause as Error).message}): \`npm run dev\` starts it, GATEWAY_URL says where it is` : message);
  process.exitCode = 1;
}

async function wholeAnswer(user: string): Promise<string> {
  console.log(`\nUser ${user}, the whole answer`);
  const reply = await aggregated.$get({ query: { user_id: user } });
  // What a reply holds depends on its status: without this line the next one does not compile.
  if (reply.status !== 200) throw new Error(`expected an answer, but got ${reply.status}: ${(await reply.json()).detail}`);
  const { user_data: data, recommendations, analytics, errors = [] } = await reply.json();
  console.log(`  ${String(data['name'])}, ${recommendations.length} recommendations, ${Object.values(analytics).reduce((sum, count) => sum + count, 0)} events`);
  for (const { part, code } of errors) console.log(`  without ${part}: ${code}`);
  return reply.headers.get('etag') ?? '';
}

/** A client that has the answer already is told so, without its bytes. */
async function sameAgain(user: string, etag: string): Promise<void> {
  const reply = await aggregated.$get({ query: { user_id: user } }, { headers: { 'if-none-match': etag } });
  console.log(`\nAsked again with its ETag: ${reply.status}`);
  await reply.text();
}

type Overview = Omit<InferResponseType<typeof aggregated.$get, 200>, keyof Incomplete>;

async function asItLands(user: string): Promise<void> {
  console.log(`\nUser ${user}, each part as it lands`);
  const reply = await aggregated.$get({ query: { user_id: user } }, { headers: { accept: 'application/x-ndjson' } });
  for await (const event of lines<StreamEvent<Overview>>(reply.body)) {
    // Of which type `data` is follows from `part`.
    if (event.event === 'part') console.log(`  ${event.part}: ${event.state}${event.part === 'recommendations' ? `, ${event.data.length} of them` : ''}`);
    else console.log(event.event === 'end' ? `  ${event.complete ? 'complete' : 'incomplete'}` : `  ${event.code}: ${event.detail}`);
  }
}

async function refused(user: string): Promise<void> {
  console.log(`\nWhat is not valid is a problem`);
  const reply = await aggregated.$get({ query: { user_id: user } });
  if (reply.ok) throw new Error('expected a problem, but got an answer');
  tell(await reply.json());
}

function tell({ status, code, detail, trace_id: traceId }: Problem): void {
  console.log(`  ${status} ${code}: ${detail} (trace ${traceId})`);
}
