import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Connection, keepAlive } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { seedDatabase } from '../system/gateway.ts';
import { serve } from './served.ts';
import { sometimes } from './sometimes.ts';

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

const saw = sometimes('the loop was blocked', 'a request waited meanwhile', 'it was answered afterwards');

test('a loop that is blocked for half a second: what comes meanwhile is answered or shed afterwards, and nothing dies', async () => {
  await using it = await serve({ DATABASE_URL: database.url, ADMISSION: 'on' }, './block.ts');
  const { service } = it;
  const connections = Array.from({ length: 100 }, () => keepAlive());
  const ask = (connection: Connection, at: number) => service.ask(1 + (at % 20), { connection, timeoutMs: 60_000 });
  // Connected, so that what they send next waits in the kernel for the process and not for a connection.
  await Promise.all(connections.map(ask));
  const { pid } = service;

  service.signal('SIGUSR2');
  await service.logged('the loop is blocked');
  saw('the loop was blocked');
  const goesOn = service.logged('the loop goes on');
  const over = () => service.log.some(({ msg }) => msg === 'the loop goes on');
  const asked = connections.map(ask);
  const alive = service.probe('/livez');
  saw('a request waited meanwhile', !over());
  const replies = await Promise.all(asked);
  await goesOn;
  const statuses = replies.map(({ status }) => status);
  // Late is allowed, where others have the CPU as well; lost is not.
  for (const status of statuses) expect([200, 503, 504]).toContain(status);
  saw('it was answered afterwards', statuses.includes(200));
  expect((await alive).status).toBe(200);

  // One block is no overload: nobody is turned away for long.
  expect((await service.probe('/readyz')).status).toBe(200);
  expect((await service.ask(1)).json).toMatchObject({ user_data: { name: 'User 1' } });
  expect([service.over, service.pid]).toEqual([false, pid]);
  for (const connection of connections) connection[Symbol.dispose]();
});
