import { afterAll, beforeAll, expect, test } from 'vitest';
import { json, status } from '../support/answers.ts';
import type { Database } from '../support/postgres.ts';
import { seedDatabase, startGateway } from './gateway.ts';

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

test('of all replies, only whole answers and those of a brownout say how long answers take', async () => {
  await using it = await startGateway({ database, deadline: '20s' });
  const landed: [number, boolean][] = [];
  const load = { inFlight: 7, brownout: false, landed: (_: number, inFlight: number, spared: boolean) => { landed.push([inFlight, spared]); }, released: () => undefined };
  it.edge.load = load;
  await it.ask(1);
  await it.accessLines(1);
  expect(landed).toEqual([[7, false]]);

  await it.ask('nobody');
  await it.ask('!');
  await it.ask(1, { headers: { accept: 'application/x-ndjson' } });
  it.upstream.answer(status(500), json(['a']));
  expect((await it.ask(1)).json).toMatchObject({ errors: [{ code: 'source_failed' }] });
  await it.accessLines(5);
  expect(landed).toHaveLength(1);

  load.brownout = true;
  expect((await it.ask(1)).json).toMatchObject({ errors: [{ part: 'recommendations', code: 'overloaded' }, { part: 'analytics', code: 'overloaded' }] });
  await it.accessLines(6);
  expect(landed.slice(1)).toEqual([[7, true]]);
});
