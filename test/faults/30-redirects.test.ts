// Row 30. An upstream sends us elsewhere, such as to the metadata of the cloud that we run in: its part has failed, and
// nobody goes there.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { json, status } from '../support/answers.ts';
import type { Database } from '../support/postgres.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a redirect was sent', 'a connection that was tried was seen', 'the part was there again');

let database: Database;
let gateway: Gateway;
let elsewhere: Upstream;

/** All addresses to which this process has tried to connect. */
const tried = new Set<string>();
const onSocket = (message: unknown): void => {
  (message as { readonly socket: Socket }).socket.on('connectionAttempt', (address: string, port: number) => { tried.add(`${address}:${port}`); });
};

beforeAll(async () => {
  subscribe('net.client.socket', onSocket);
  [database, elsewhere] = await Promise.all([seedDatabase(), startUpstream()]);
  gateway = await startGateway({ database });
});
afterAll(async () => {
  unsubscribe('net.client.socket', onSocket);
  await gateway[Symbol.asyncDispose]();
  await Promise.all([elsewhere.stop(), database.drop()]);
});

const targets = ['http://169.254.169.254/latest/meta-data/', '//169.254.169.254/', 'http://[fd00:ec2::254]/', 'http://metadata.google.internal/', 'elsewhere', '/recommendations?user=2', 'file:///etc/passwd', 'gopher://127.0.0.1:6379/_FLUSHALL'];
const codes = [300, 301, 302, 303, 305, 307, 308];

test.each(codes.flatMap((code) => targets.map((target) => [code, target] as const)))('a %d to %s is a failed part, and nobody goes there', async (code, target) => {
  const location = target === 'elsewhere' ? `${elsewhere.url}/secret` : target;
  // All ways to say it.
  gateway.upstream.answer(status(code, '["a"]', { location, 'content-location': location, refresh: `0; url=${location}`, link: `<${location}>; rel=preload`, 'alt-svc': `h2="${new URL(elsewhere.url).host}"` }));
  const asked = gateway.upstream.requests.length;
  const reply = await gateway.ask(1);
  expect([reply.status, reply.json]).toMatchObject([200, {
    user_data: { name: 'User 1' }, recommendations: [], errors: [{ part: 'recommendations', code: 'source_failed', detail: 'the recommendations service answered with an error' }],
  }]);
  expect(JSON.stringify([reply.headers, reply.text])).not.toMatch(/169\.254|fd00:ec2|metadata|secret|passwd/);
  expect(gateway.upstream.requests.slice(asked).map(({ url }) => url)).toEqual(['/recommendations?user=1']);
  saw('a redirect was sent');
  gateway.upstream.answer(json(['back']));
  // Two for one that fails: a source of which less than half is good is asked less.
  expectComplete([await gateway.ask(1), await gateway.ask(1)]);
});

test('in all that, nobody was connected to but those whom the gateway knows', async () => {
  gateway.upstream.answer(json(['back']));
  const reply = await gateway.ask(1);
  saw('the part was there again', reply.text.includes('"back"'));
  expect(elsewhere.requests).toEqual([]);
  const hosts = [gateway.url, gateway.upstream.url, database.url].map((url) => new URL(url).host);
  saw('a connection that was tried was seen', tried.has(hosts[1]!));
  expect([...tried].filter((address) => !hosts.includes(address))).toEqual([]);
});
