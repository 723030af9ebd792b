// Row 15. Hundreds of clients are gone at once, with a RST each: all that was done for them stops, in Postgres, at the
// upstream and here, and those who come after are answered.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hang, json } from '../support/answers.ts';
import { watchLeaks } from '../support/leaks.ts';
import { type Database, lockTable, waitUntilBusy, waitUntilDisconnected, waitUntilIdle } from '../support/postgres.ts';
import { bounded, until } from '../support/until.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { wellAgain } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('all were under way', 'Postgres worked for them', 'the upstream worked for them', 'they were counted as gone');

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(() => database.drop());

const clients = 500;
const accepts = ['application/json', 'text/event-stream', 'application/x-ndjson'];

test('five hundred clients that are reset leave nothing running anywhere', async () => {
  const leaks = watchLeaks();
  {
    // Nothing here ends by itself: what ends does so because its client left.
    await using gateway = await startGateway({ database, deadline: '1m', statementTimeoutMs: 60_000, poolWaitMs: 60_000 });
    const { upstream } = gateway;
    await gateway.ask(20);
    const locks = await Promise.all(['users', 'analytics'].map((table) => lockTable(database.url, table)));
    upstream.answer(hang);
    const exchanges = await Promise.all(Array.from({ length: clients }, (_, at) =>
      gateway.open(at + 1, { headers: { accept: accepts[at % accepts.length] }, timeoutMs: 15_000 })));
    await until(() => gateway.edge.underWay === clients, () => `expected ${clients} requests under way, but got ${gateway.edge.underWay}`, 20_000);
    saw('all were under way');
    saw('Postgres worked for them', (await waitUntilBusy(database.url, { applicationName: 'tributary', count: 2 })).length > 0);
    // As many as there are connections to it; the others wait for one.
    await upstream.received(1 + 128);
    saw('the upstream worked for them', upstream.openRequests === 128);
    for (const exchange of exchanges) exchange.reset();
    await bounded(Promise.all(exchanges.map(({ closed }) => closed)), () => 'expected all connections to close');
    await gateway.underWay(0);
    await waitUntilIdle(database.url, { applicationName: 'tributary' });
    await upstream.allClosed();
    // Whoever waited for a connection asks nothing when there is one.
    expect(upstream.requests).toHaveLength(1 + 128);
    const gone = (await gateway.accessLines(1 + clients)).filter(({ status }) => status === 499);
    expect(gone).toHaveLength(clients);
    saw('they were counted as gone');
    upstream.answer(json(['a', 'b']));
    await Promise.all(locks.map((lock) => lock.release()));
    // The source was slow for five hundred: it is asked again little by little.
    await wellAgain((user) => gateway.ask(user));
    expect(gateway.log.filter(({ level }) => level !== 30)).toEqual([]);
  }
  await leaks.assertNone();
  await waitUntilDisconnected(database.url);
});
