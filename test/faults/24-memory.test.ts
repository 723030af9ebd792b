import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hang, json } from '../support/answers.ts';
import type { Database } from '../support/postgres.ts';
import { Changes, until } from '../support/until.ts';
import { seedDatabase } from '../system/gateway.ts';
import { serve } from './served.ts';
import { sometimes } from './sometimes.ts';

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

const saw = sometimes('ten thousand were connected', 'requests were under way up to the ceiling', 'requests beyond it were shed');

const count = 10_000;
const ceiling = 500;

/** A client that asks whenever it is told to, on a connection that stays open, and counts what it hears. */
function client(url: string, heard: (status: string) => void): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) }).setEncoding('latin1');
  socket.on('data', (chunk: string) => { if (chunk.startsWith('HTTP/1.1 ')) heard(chunk.slice(9, 12)); });
  // What goes wrong is looked at from the other side.
  socket.on('error', () => undefined);
  // Asks for nothing yet: its answer says that it is connected.
  socket.write('GET /nowhere HTTP/1.1\r\nHost: test\r\n\r\n');
  return socket;
}

const ask = (socket: Socket, id: number): boolean => socket.write(`GET /api/aggregated?user_id=${1 + (id % 20)} HTTP/1.1\r\nHost: test\r\n\r\n`);

test('with little memory and ten thousand clients that ask at once, it sheds what it cannot hold, and lives', { timeout: 240_000 }, async () => {
  await using it = await serve({ DATABASE_URL: database.url, IN_FLIGHT_MAX: String(ceiling), NODE_OPTIONS: '--max-old-space-size=160' });
  const { service, upstream } = it;
  const statuses = new Map<string, number>();
  const changes = new Changes();
  let replies = 0;
  const heard = (status: string) => {
    replies++;
    changes.announce();
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  const answered = (expected: number) => changes.until(() => {
    if (service.over) throw new Error(`expected it to live, but it ended with ${service.stderr}`);
    return replies >= expected;
  }, () => `expected ${expected} replies, but got ${replies}`, 60_000);
  const sockets: Socket[] = [];
  // A few at a time: where the kernel's queue of new connections is full, one waits for seconds.
  while (sockets.length < count) {
    sockets.push(...Array.from({ length: 100 }, () => client(service.url, heard)));
    await answered(sockets.length);
  }
  statuses.clear();
  upstream.answer(hang);
  for (const [at, socket] of sockets.entries()) ask(socket, at);
  await answered(2 * count);
  saw('ten thousand were connected', sockets.every(({ readyState }) => readyState === 'open'));
  expect(new Set(statuses.keys()).difference(new Set(['200', '503', '504']))).toEqual(new Set());
  const shed = statuses.get('503') ?? 0;
  saw('requests beyond it were shed', shed > 0);
  saw('requests were under way up to the ceiling', count - shed >= ceiling);
  upstream.answer(json(['a', 'b']));
  expect(service.over).toBe(false);
  expect((await service.probe('/livez')).status).toBe(200);
  for (const socket of sockets) socket.destroy();
  await until(() => sockets.every(({ closed }) => closed), () => 'expected all clients to be gone');
  expect((await service.ask(1, { timeoutMs: 10_000 })).status).toBe(200);
});
