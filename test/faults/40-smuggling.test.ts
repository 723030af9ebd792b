import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { dial } from '../support/raw-http.ts';
import { bounded } from '../support/until.ts';
import { type EdgeAlone, type RawReply, repliesIn, startEdge } from './edge.ts';
import { ambiguous, plain, type Told } from './smuggled.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a refusal closed the connection', 'a request was answered as what it means', 'what was smuggled would have been answered alone');

let edge: EdgeAlone;
const asked: string[] = [];
beforeAll(async () => { edge = await startEdge({ asked: (user) => { asked.push(user); } }); });
beforeEach(() => { asked.length = 0; });
afterAll(async () => { await edge[Symbol.asyncDispose](); });

/** Sends the bytes and then a request to be answered last, if anything is answered any more; resolves with all replies. */
async function repliesTo(url: string, bytes: string): Promise<RawReply[]> {
  using wire = await dial(url);
  await wire.write(bytes);
  // Nothing can follow it: the server closes, whatever it thought of what came before.
  await wire.write('GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n').catch(() => undefined);
  await bounded(wire.closed, () => `expected the connection to be closed, but got ${wire.received.toString('latin1')}`, 10_000);
  return repliesIn(wire.received);
}

const isRefusal = ({ status, headers }: RawReply) =>
  status >= 400 && status < 500 && headers.get('content-type') === 'application/problem+json' && headers.get('connection') === 'close' && headers.get('x-content-type-options') === 'nosniff';

test('what is smuggled below is a request that is answered where it comes as one', async () => {
  const [reply] = await repliesTo(edge.url, 'GET /api/aggregated?user_id=smuggled HTTP/1.1\r\nHost: x\r\n\r\n');
  saw('what was smuggled would have been answered alone', reply?.body === '{"user":{"id":"smuggled"}}' && asked.length === 1);
});

test.each(ambiguous)('%s is refused, the connection closed, and nothing behind it read', async (_, bytes) => {
  for (const url of [edge.url, edge.adminUrl]) {
    const replies = await repliesTo(url, bytes);
    expect(replies).toHaveLength(1);
    expect(isRefusal(replies[0]!), JSON.stringify(replies[0])).toBe(true);
    saw('a refusal closed the connection');
    expect(replies[0]!.body).not.toMatch(/smuggled|[<\0]/);
  }
  expect(asked).toEqual([]);
});

const toldOf = ({ status, body }: RawReply): Told => (status === 200 ? (JSON.parse(body) as { user: { id: string } }).user.id : status);

test.each(plain)('%s means one thing, and is answered as that', async (_, bytes, told) => {
  const replies = await repliesTo(edge.url, bytes);
  const last = replies.pop();
  expect(replies.map(toldOf)).toEqual(told);
  expect([last?.status, last?.headers.get('connection')]).toEqual([404, 'close']);
  saw('a request was answered as what it means');
});

test('requests that come at once are answered in their order, whatever each of them takes', async () => {
  const users = Array.from({ length: 200 }, (_, at) => `u${at}`);
  const replies = await repliesTo(edge.url, users.map((user, at) => (at % 7 === 3 ? 'GET /none HTTP/1.1\r\nHost: x\r\n\r\n' : `GET /api/aggregated?user_id=${user} HTTP/1.1\r\nHost: x\r\n\r\n`)).join(''));
  expect(replies.slice(0, -1).map(toldOf)).toEqual(users.map((user, at) => (at % 7 === 3 ? 404 : user)));
});

test('what is no request does not take the place of the answer to the one before it', async () => {
  const replies = await repliesTo(edge.url, 'GET /api/aggregated?user_id=first HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n');
  expect(replies.map(toldOf)).toEqual(['first']);
});

test('a request behind one that closes is not answered', async () => {
  const replies = await repliesTo(edge.url, 'GET /api/aggregated?user_id=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /api/aggregated?user_id=smuggled HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(replies.map(toldOf)).toEqual(['1']);
});

test('behind an upgrade that nobody offers node would read on in the middle: the connection closes', async () => {
  const first = 'GET /api/aggregated?user_id=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n';
  const [reply, ...more] = await repliesTo(edge.url, `${first}GET /api/aggregated?user_id=smuggled HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect([toldOf(reply!), reply!.headers.get('connection'), more, asked]).toEqual(['1', 'close', [], ['1']]);
});
