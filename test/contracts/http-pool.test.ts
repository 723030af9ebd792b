import { expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { source } from '../../src/policies/source.ts';
import { type Answer, drip, flood, hang, json, stalled } from '../support/answers.ts';
import { failing } from '../support/failing.ts';
import { watchLeaks } from '../support/leaks.ts';
import { startRelay } from '../support/relay.ts';
import { startUpstream } from '../support/upstream.ts';
import { about, connectRecommender, gone } from './recommender.ts';

const good = json({ recommendations: [] });

test.each<[string, Answer]>([
  ['never answers', hang],
  ['begins and says no more', stalled],
  ['drips', drip(1)],
])('a request to an upstream that %s is cut there when its caller leaves', async (_, answer) => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url, { connections: 1, waitingMax: 0 });
  upstream.answer(answer);
  const call = startCall(30_000);
  const failed = failing(client.get(about('42'), call));
  const asked = await upstream.received();
  call.stop(gone);
  expect(await failed).toBe(gone);
  expect(await asked.closed).toBe('cut');
  upstream.answer(good);
  expect(await client.ask()).toBe('{"recommendations":[]}');
});

test('a request past its deadline is cut as well', async () => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url);
  upstream.answer(drip(1));
  using call = startCall(100);
  expect(await failing(client.get(about('42'), call))).toMatchObject({ code: 'deadline_exceeded', message: 'no answer within 100 ms' });
  await upstream.allClosed();
});

test('an upstream that does not even accept is given up at the deadline', async () => {
  await using upstream = await startUpstream();
  await using relay = await startRelay(upstream.url);
  relay.welcome('swallow');
  await using client = connectRecommender(relay.url);
  using call = startCall(100);
  expect((await failing(client.get(about('42'), call))).code).toBe('deadline_exceeded');
});

test('a queued request whose caller has left is never sent', async () => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url, { connections: 1 });
  upstream.answer(hang, good);
  const [first, second] = [startCall(30_000), startCall(30_000)];
  const under = failing(client.get(about('first'), first));
  await upstream.received();
  const queued = failing(client.get(about('second'), second));
  const third = client.ask('third');
  second.stop(gone);
  expect(await queued).toBe(gone);
  first.stop(gone);
  expect(await under).toBe(gone);
  expect(await third).toBe('{"recommendations":[]}');
  expect(upstream.requests.map(({ url }) => url)).toEqual(['/recommendations?user=first', '/recommendations?user=third']);
});

test('who waited for a connection and left holds no place, though no connection has become free since', async () => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url, { connections: 1, waitingMax: 2 });
  upstream.answer(hang, good);
  const first = startCall(30_000);
  const held = failing(client.get(about('first'), first));
  await upstream.received();
  for (let round = 0; round < 3; round++) {
    const call = startCall(30_000);
    const waiting = ['a', 'b'].map((user) => failing(client.get(about(user), call)));
    expect(await failing(client.ask('c'))).toMatchObject({ code: 'overloaded' });
    call.stop(gone);
    expect(await Promise.all(waiting)).toEqual([gone, gone]);
  }
  const last = client.ask('last');
  first.stop(gone);
  expect([await held, await last]).toEqual([gone, '{"recommendations":[]}']);
  expect(upstream.requests.map(({ url }) => url)).toEqual(['/recommendations?user=first', '/recommendations?user=last']);
});

test('a hanging upstream holds no more than its connections and its queue; beyond them it is overloaded', async () => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url, { connections: 2, waitingMax: 3 });
  // Twice: what the first round held has to be free again.
  for (const round of [1, 2]) {
    const before = upstream.requests.length;
    upstream.answer(hang);
    const call = startCall(30_000);
    const held = [1, 2, 3, 4, 5].map((user) => failing(client.get(about(String(user)), call)));
    await upstream.received(before + 2);
    expect(await failing(client.get(about('6'), call))).toMatchObject({ code: 'overloaded', message: 'too many requests wait for recommendations' });
    expect(upstream.openConnections).toBe(2);
    call.stop(gone);
    expect(await Promise.all(held)).toEqual([gone, gone, gone, gone, gone]);
    await upstream.allClosed();
    upstream.answer(good);
    // Queued behind those that were given up: when it is answered they have been let go of.
    expect(await client.ask(`after round ${round}`)).toBe('{"recommendations":[]}');
    expect(upstream.requests).toHaveLength(before + 3);
  }
});

test('of a source that hangs, who waited for a place and left is never sent, not even as an aborted request', async () => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url, { connections: 2 });
  const recommendations = source({ name: 'recommendations', load: (user: string, call) => client.get(about(user), call), limit: { underWay: 2, waiting: 100 } });
  upstream.answer(hang);
  const call = startCall(30_000);
  const abandoned = Array.from({ length: 50 }, (_, at) => failing(recommendations(String(at), call)));
  await upstream.received(2);
  upstream.answer(good);
  call.stop(gone);
  expect(new Set(await Promise.all(abandoned))).toEqual(new Set([gone]));
  using after = startCall(30_000);
  expect((await recommendations('after', after)).text).toBe('{"recommendations":[]}');
  expect(upstream.requests.map(({ url }) => url)).toEqual(['0', '1', 'after'].map((user) => `/recommendations?user=${user}`));
});

test('requests share connections one after the other, never at the same time', async () => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url, { connections: 3 });
  const onWire = new Map<number | undefined, number>();
  let most = 0;
  const hold = Promise.withResolvers<void>();
  upstream.answer((request, response) => {
    const port = request.socket.remotePort;
    const count = (onWire.get(port) ?? 0) + 1;
    onWire.set(port, count);
    most = Math.max(most, count);
    response.once('finish', () => onWire.set(port, (onWire.get(port) ?? 0) - 1));
    void hold.promise.then(() => { good(request, response); });
  });
  const answers = Array.from({ length: 50 }, (_, user) => client.ask(String(user)));
  await upstream.received(3);
  expect(upstream.openRequests).toBe(3);
  hold.resolve();
  await Promise.all(answers);
  expect({ most, connections: onWire.size, requests: upstream.requests.length }).toEqual({ most: 1, connections: 3, requests: 50 });
});

test('closing ends what is under way as a failed source and leaves nothing, here or there', async () => {
  await using upstream = await startUpstream();
  const leaks = watchLeaks({ allow: ({ madeAt }) => madeAt === undefined });
  upstream.answer(good, hang, stalled, flood().answer);
  const client = connectRecommender(upstream.url, { connections: 3 });
  await client.ask();
  using call = startCall(30_000);
  const failed = ['hang', 'stalled', 'flood', 'queued', 'queued too'].map((user) => failing(client.get(about(user), call)));
  await upstream.received(4);
  await client.close();
  for (const failure of await Promise.all(failed)) expect(failure.code).toMatch(/source_failed|bad_answer/);
  await upstream.allDisconnected();
  call.end();
  await leaks.assertNone();
  expect((await failing(client.ask())).code).toBe('source_failed');
});

test('closing a client that was never asked does nothing', async () => {
  const leaks = watchLeaks();
  await connectRecommender('http://127.0.0.1:9').close();
  await leaks.assertNone();
});
