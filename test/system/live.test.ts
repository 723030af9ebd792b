import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { type Database, query } from '../support/postgres.ts';
import { type Gateway, type GatewayOptions, seedDatabase, startGateway } from './gateway.ts';
import { watchLive } from './live.ts';

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

async function start(options: Partial<GatewayOptions> = {}): Promise<Gateway & { cache: Cache }> {
  const cache = new Cache({ bytesMax: 1_000_000 });
  const gateway = await startGateway({ database, cache, ...options });
  // Learns the types of the key columns: nothing is kept before they are known.
  await gateway.ask(20);
  return { ...gateway, cache };
}

const rename = (id: number, name: string) => query(database.url, 'update users set data = jsonb_build_object($1::text, $2::text) where id = $3', ['name', name, id]);

test('a live answer begins as a stream does, stays open, and says what changes', async () => {
  await using gateway = await start();
  using viewer = await watchLive(gateway.url, 1);
  expect(viewer.head.statusCode).toBe(200);
  expect(viewer.head.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', vary: 'accept', 'x-accel-buffering': 'no', 'x-content-type-options': 'nosniff' });
  const parts = await viewer.untilCurrent();
  expect(new Set(parts.map(({ part }) => part))).toEqual(new Set(['user_data', 'recommendations', 'analytics']));
  expect(parts).toContainEqual({ event: 'part', id: expect.any(String) as string, part: 'user_data', state: 'live', data: { name: 'User 1' } });
  await rename(1, 'Renamed');
  await gateway.cache.invalidate(['users:1']);
  expect(await viewer.next()).toMatchObject({ event: 'part', part: 'user_data', state: 'live', data: { name: 'Renamed' } });
});
