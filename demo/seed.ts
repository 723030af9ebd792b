import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { migrate } from '../src/clients/migrations.ts';
import { dataset } from './seed/dataset.ts';
import { insert, insertProducts, insertReviews } from './seed/insert.ts';
import { CONNECT, CREATE, TABLES } from './seed/schema.ts';

/** Raise it whenever the rows or the tables change: databases seeded with another one are seeded again. */
export const SEED_VERSION = 3;

const folder = fileURLToPath(new URL('../src/migrations', import.meta.url));

/** Version 1 had a table of its own under that name, where the API has its products now. */
const DROP_OLD_PRODUCTS = `
  do $$
  begin
    if exists (select from pg_attribute where attrelid = to_regclass('products') and attname = 'slug') then
      drop table products cascade;
    end if;
  end
  $$
`;

// Any number will do as long as nothing else in the database locks by the same one.
const LOCK = 420_815;

/**
 * Runs the migrations and fills the database at `url` once; true when there was something to fill. All or nothing: a start that is
 * killed meanwhile leaves no half-filled tables. Tables of the same names that it did not make are left alone, with an error.
 */
export async function seed(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    const current = await versionIn(client);
    if (current === undefined) await refuseStrangers(client);
    else await client.query(DROP_OLD_PRODUCTS);
    await migrate({ url, folder });
    if (current === SEED_VERSION) return false;
    await client.query('begin');
    await client.query(`drop table if exists ${TABLES.join(', ')}`);
    await client.query(CREATE);
    const rows = dataset();
    await insert(client, rows);
    await insertProducts(client, rows);
    await insertReviews(client, rows);
    await client.query(CONNECT);
    await client.query('insert into seed_version values ($1)', [SEED_VERSION]);
    await client.query('commit');
    await client.query(`analyze products, ${TABLES.join(', ')}`);
    return true;
  } finally {
    // Ending a connection rolls back whatever was not committed, and gives the lock back.
    await client.end();
  }
}

async function versionIn(client: Client): Promise<number | undefined> {
  if (!(await tablesAmong(client, ['seed_version'])).length) return undefined;
  const { rows } = await client.query<{ version: number }>('select version from seed_version');
  return rows[0]?.version;
}

async function refuseStrangers(client: Client): Promise<void> {
  const strangers = await tablesAmong(client, TABLES);
  if (strangers.length > 0) {
    throw new Error(
      `expected an empty database or one with our seeds, but it has tables of the same names: ${strangers.join(', ')}`,
    );
  }
}

async function tablesAmong(client: Client, names: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'select name from unnest($1::text[]) as name where to_regclass(name) is not null',
    [names],
  );
  return rows.map(({ name }) => name);
}
