import { Client } from 'pg';
import { canonical } from './canonical.ts';
import type { Fixture } from './fixture/fixture.ts';
import { highestId, query, userCount } from './fixture/postgres.ts';

/** Users that exist: the highest ids, those whose data holds quotes and line ends, and an even spread of the others. */
export function chooseIds(count: number): number[] {
  const ids = new Set<number>([1, highestId]);
  const add = (from: number, to: number, by: number) => {
    for (let id = from; id <= to && ids.size < count; id += by) ids.add(id);
  };
  add(userCount - 20, userCount, 1);
  add(50, userCount, 50);
  add(7, userCount, Math.max(1, Math.floor(userCount / count)));
  add(1, userCount, 1);
  return [...ids];
}

/** Ids that nobody has: just above the users, far above, and just under the highest id of all. */
export const unknownIds = [userCount + 1, userCount * 2, highestId - 1];

/** What each body must be, from the stores themselves. */
export async function truth(ids: readonly number[], { postgres, stub }: Fixture): Promise<Map<number, string>> {
  const rows = await query<{ id: number; data: string; counts: string }>(postgres.url, `
    select id, data::text, json_object_agg(event_type, count)::text as counts
    from users join analytics on user_id = id where id in (${ids.join(',')}) group by id, data`);
  const bodies = new Map<number, string>();
  for (const { id, data, counts } of rows) {
    const items = await (await fetch(`${stub.url}/recommendations?user=${id}`)).text();
    bodies.set(id, canonical(`{"user_data":${data},"recommendations":${items},"analytics":${counts}}`));
  }
  return bodies;
}

/** Holds a table so that nobody can read it. The function that is returned lets it go. */
export async function lockTable(url: string, table: 'users' | 'analytics'): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url, application_name: 'bench', idle_in_transaction_session_timeout: 60_000 });
  client.on('error', () => undefined); // Only when it was held too long, and then it is let go.
  await client.connect();
  await client.query('begin');
  await client.query(`lock table ${table} in access exclusive mode`);
  return () => client.end();
}
