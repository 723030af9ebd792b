import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InUse, startPostgres, type Postgres } from '../../demo/postgres.ts';
import { commandOf } from '../../demo/process/command-of.ts';
import { seed } from '../../demo/seed.ts';

let dir: string;
let postgres: Postgres;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-demo-'));
  postgres = await startPostgres({ dir, persistent: true, settings: { fsync: 'off' } });
});

afterAll(async () => {
  await postgres.stop();
  await rm(dir, { recursive: true, force: true });
});

async function query(text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

// Chapters of one story, each of which begins where the one before it has ended.
describe('one Postgres', { shuffle: false }, () => {
  test('seeds once, and analytics agree with the orders', async () => {
    expect(await seed(postgres.url)).toBe(true);
    expect(await seed(postgres.url)).toBe(false);

    const [{ differing, purchases } = {}] = (await query(`
      select count(*) filter (where a.count is distinct from o.count)::int as differing, sum(a.count)::int as purchases
      from (select user_id, count from analytics where event_type = 'purchase') a
      full join (select user_id, count(*) from orders group by 1) o using (user_id)
    `)) as { differing?: number; purchases?: number }[];
    expect(differing).toBe(0);
    expect(purchases).toBeGreaterThan(5_000);
  });

  test('the products of the API are those of the catalogue, and are as they were where they are seeded again', async () => {
    const shelf = `select count(*)::int, count(*) filter (where price > 0 and category <> '')::int as good, sum(stock)::int from products where id::text like '00000000-0000-4000-8000-%'`;
    const before = await query(shelf);
    expect(before).toMatchObject([{ count: 300, good: 300 }]);
    await query('update products set stock = stock + 1; update seed_version set version = 1');
    expect(await seed(postgres.url)).toBe(true);
    expect(await query(shelf)).toEqual(before);
  });

  test('where the first version of the seeds had its own table of products, the API has its', async () => {
    await query('create database old');
    const url = postgres.url.replace(/postgres$/, 'old');
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      await client.query(`
        create table seed_version (version integer not null); insert into seed_version values (1);
        create table products (id integer primary key, slug text not null);
        create table order_items (order_id integer, product_id integer references products);
      `);
      expect(await seed(url)).toBe(true);
      expect((await client.query('select count(*)::int from products where price > 0')).rows).toEqual([{ count: 300 }]);
    } finally {
      await client.end();
    }
  });

  test('a database with other seeds is seeded again, one with tables of somebody else is left alone', async () => {
    await query('update seed_version set version = 0; delete from users where id not in (select user_id from events)');
    expect(await seed(postgres.url)).toBe(true);
    expect(await query('select count(*)::int as users from users')).toEqual([{ users: 2_000 }]);

    await query('create database other');
    const url = postgres.url.replace(/postgres$/, 'other');
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query('create table orders (mine text)');
    await client.end();
    await expect(seed(url)).rejects.toThrow('it has tables of the same names: orders');
  });

  test('the password is asked for', async () => {
    const client = new Client({ connectionString: postgres.url.replace(/:[0-9a-f]+@/, ':guess@') });
    await expect(client.connect()).rejects.toThrow('password authentication failed');
  });

  test.each(['fast', 'immediate'] as const)('a restart (%s) keeps port and committed rows', async (mode) => {
    await query(`create table if not exists kept (mode text); insert into kept values ('${mode}')`);
    const { pid, url } = postgres;

    await postgres.restart(mode);

    expect(postgres.url).toBe(url);
    expect(postgres.pid).not.toBe(pid);
    expect(await query(`select mode from kept where mode = '${mode}'`)).toEqual([{ mode }]);
  });

  test('the folder belongs to one at a time', async () => {
    await expect(startPostgres({ dir, persistent: true })).rejects.toThrow(InUse);
    expect(await query('select 1 as still_there')).toEqual([{ still_there: 1 }]);
  });

  test('a folder with anything else in it is refused and left as it was', async () => {
    const home = join(dir, 'data-18', 'base');
    const before = await readdir(home);

    await expect(startPostgres({ dir: home, persistent: false })).rejects.toThrow('to be empty or one of ours');

    expect(await readdir(home)).toEqual(before);
  });

  test('after a kill -9 the crash is reported, and the next start heals lock and half-made folders', async () => {
    await postgres.stop();
    const crashed = Promise.withResolvers<string>();
    const doomed = await startPostgres({ dir, persistent: true, onCrash: crashed.resolve });
    process.kill(doomed.pid ?? 0, 'SIGKILL');
    expect(await crashed.promise).toContain('Postgres was ended by SIGKILL');
    await doomed.stop();
    await mkdir(join(dir, 'init-1'));
    // A number that is alive but no Postgres: ours.
    await writeFile(join(doomed.data, 'postmaster.pid'), `${process.pid}\n`);
    const said: string[] = [];

    postgres = await startPostgres({ dir, persistent: true, say: (line) => said.push(line) });

    expect(said).toEqual([
      'an earlier first start did not finish; beginning again',
      `the last run was killed and its process number ${process.pid} is somebody else's now; removing its lock`,
    ]);
    expect(await query('select count(*)::int as users from users')).toEqual([{ users: 2_000 }]);
  });

  test('after stop no process and no lock is left; of a throw-away one no folder either', async () => {
    const pid = postgres.pid ?? 0;
    await postgres.stop();
    expect(commandOf(pid)).toBeUndefined();
    expect(existsSync(join(postgres.data, 'postmaster.pid'))).toBe(false);
    expect((await readdir(dir)).toSorted()).toEqual(['data-18', 'password']);

    const thrownAway = join(dir, 'throw-away');
    {
      await using other = await startPostgres({ dir: thrownAway, persistent: false });
      expect(existsSync(other.data)).toBe(true);
    }
    expect(existsSync(thrownAway)).toBe(false);
  });
});
