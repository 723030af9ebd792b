import { test } from 'vitest';
import { drip, flood, hang, json, reset, resetMidBody } from '../support/answers.ts';
import { keepAlive } from '../support/http-client.ts';
import { watchLeaks } from '../support/leaks.ts';
import { waitUntilDisconnected } from '../support/postgres.ts';
import { seedDatabase, startGateway } from './gateway.ts';
import { eventsOf } from './streams.ts';

test('a gateway that has been through everything leaves no timer, connection, listener or rejection behind', async () => {
  await using database = await seedDatabase();
  const leaks = watchLeaks();
  {
    await using gateway = await startGateway({ database, deadline: '100ms' });
    using connection = keepAlive();
    for (const answer of [json([]), hang, drip(1), reset, resetMidBody, flood().answer]) {
      gateway.upstream.answer(answer);
      for (const id of [1, 99, '!']) await gateway.ask(id, { connection });
      await gateway.ask(1, { method: 'POST', connection });
      await gateway.ask(1, { method: 'HEAD' });
      const left = [await gateway.open(1), await gateway.open(2)];
      left[0]?.destroy();
      left[1]?.reset();
      for (const accept of ['text/event-stream', 'application/x-ndjson'] as const) {
        await (await eventsOf(await gateway.open(1, { headers: { accept } }), accept)).rest();
        const cut = await eventsOf(await gateway.open(1, { headers: { accept } }), accept);
        await cut.next();
        cut.head.destroy();
      }
    }
    await gateway.underWay(0);
  }
  await leaks.assertNone();
  await waitUntilDisconnected(database.url);
});

test('requests that are under way when the gateway closes are cut, and so is their work', async () => {
  await using database = await seedDatabase();
  const leaks = watchLeaks();
  {
    await using gateway = await startGateway({ database, deadline: '1m' });
    gateway.upstream.answer(hang);
    const exchanges = [await gateway.open(1), await gateway.open(2, { headers: { accept: 'text/event-stream' } })];
    await gateway.upstream.received(2);
    await gateway[Symbol.asyncDispose]();
    await Promise.all(exchanges.map(({ closed }) => closed));
    await waitUntilDisconnected(database.url);
    await gateway.underWay(0);
  }
  await leaks.assertNone();
});
