import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/clients/migrations.ts';
import { cursorAfter } from '../../src/sources/product-cursor.ts';
import { listStatement } from '../../src/sources/products.ts';
import { createDatabase, type Database, query } from '../support/postgres.ts';

const folder = fileURLToPath(new URL('../../src/migrations', import.meta.url));
const all = ['0001_products'];

let database: Database;
beforeAll(async () => { database = await createDatabase(); });
afterAll(async () => { await database.drop(); });

test('several who migrate at the same time migrate once', async () => {
  const { url } = database;
  const done = await Promise.all([1, 2, 3, 4].map(() => migrate({ url, folder })));
  expect(done.flat()).toEqual(all);
  expect(await migrate({ url, folder })).toEqual([]);
});

test('a migration that fails leaves nothing of those before it, and says why', async () => {
  await using other = await createDatabase();
  const broken = mkdtempSync(join(tmpdir(), 'tributary-migrations-'));
  try {
    writeFileSync(join(broken, '0001_good.sql'), 'create table good (id int);');
    writeFileSync(join(broken, '0002_bad.sql'), 'create table bad (id nonsense);');
    await expect(migrate({ url: other.url, folder: broken })).rejects.toThrow('type "nonsense" does not exist');
    expect(await query(other.url, `select to_regclass('good')::text as good`)).toEqual([{ good: null }]);
    writeFileSync(join(broken, '0002_bad.sql'), 'create table bad (id int);');
    expect(await migrate({ url: other.url, folder: broken })).toEqual(['0001_good', '0002_bad']);
  } finally {
    rmSync(broken, { recursive: true });
  }
});

test.each([
  ['no name', { name: '' }], ['a long name', { name: 'x'.repeat(101) }], ['a long description', { description: 'x'.repeat(501) }], ['a price of 0', { price: '0' }],
  ['a high price', { price: '1000000.01' }], ['a stock below 0', { stock: -1 }], ['no category', { category: '' }],
])('the table itself takes no product with %s', async (_, more) => {
  const { name, description, price, stock, category } = { name: 'x', description: null, price: '1', stock: 0, category: 'x', ...more };
  await expect(query(database.url, 'insert into products (id, name, description, price, stock, category) values (gen_random_uuid(), $1, $2, $3, $4, $5)', [name, description, price, stock, category])).rejects.toThrow('violates check constraint');
});

test('each list is read from an index, as far as it goes', async () => {
  await query(database.url, `
    insert into products (id, name, price, stock, category, created_at)
    select gen_random_uuid(), 'Product ' || n, 1 + (n * 7919) % 99999 * 0.01, n, 'category ' || n % 50, now() + n * interval '1 second' from generate_series(1, 30000) as n`);
  await query(database.url, 'analyze products');
  const cursor = cursorAfter({ created_at: '2026-01-01T00:00:00.000000Z', id: '00000000-0000-4000-8000-000000000001' });
  const filters = [{}, { category: 'category 7' }, { min_price: '500.00' }, { min_price: '500.00', max_price: '500.10' }, { category: 'category 7', min_price: '500.00', max_price: '501.00' }];
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    for (const filter of filters) {
      for (const place of [{}, { cursor }]) {
        const { statement, values } = listStatement({ ...filter, ...place, limit: 10 });
        const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${statement.text}`, [...values]);
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
        expect(plan, JSON.stringify(filter)).toMatch(/using products_|on products_/);
        expect(plan, JSON.stringify(filter)).not.toContain('Seq Scan');
      }
    }
  } finally {
    await client.end();
  }
});
