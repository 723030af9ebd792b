import type { Client } from 'pg';
import type { Dataset } from './dataset.ts';
import { reviews } from './reviews.ts';

type Column = readonly [type: 'integer' | 'text' | 'jsonb' | 'timestamptz' | 'uuid' | 'numeric', values: readonly unknown[]];

/** Writes all rows, a statement a table: each column travels as one array. */
export async function insert(client: Client, { users, products, orders, events }: Dataset): Promise<void> {
  const items = orders.flatMap((order) => order.items.map((item) => ({ ...item, orderId: order.id })));
  await fill(client, 'users', [
    ['integer', users.map(({ id }) => id)],
    ['jsonb', users.map((user) => JSON.stringify(user))],
  ]);
  await fill(client, 'goods', [
    ['integer', products.map(({ id }) => id)],
    ['text', products.map(({ slug }) => slug)],
    ['text', products.map(({ name }) => name)],
    ['text', products.map(({ category }) => category)],
    ['integer', products.map(({ priceCents }) => priceCents)],
  ]);
  await fill(client, 'orders', [
    ['integer', orders.map(({ id }) => id)],
    ['integer', orders.map(({ userId }) => userId)],
    ['timestamptz', orders.map(({ atMs }) => new Date(atMs).toISOString())],
    ['text', orders.map(({ status }) => status)],
  ]);
  await fill(client, 'order_items', [
    ['integer', items.map(({ orderId }) => orderId)],
    ['integer', items.map(({ product }) => product.id)],
    ['integer', items.map(({ quantity }) => quantity)],
    ['integer', items.map(({ product }) => product.priceCents)],
  ]);
  await fill(client, 'events', [
    ['integer', events.map((_, index) => index + 1)],
    ['integer', events.map(({ userId }) => userId)],
    ['text', events.map(({ type }) => type)],
    ['integer', events.map(({ productId }) => productId)],
    ['timestamptz', events.map(({ atMs }) => new Date(atMs).toISOString())],
  ]);
  // Counted from the events, never written beside them: so the two cannot disagree.
  await client.query('insert into analytics select user_id, event_type, count(*) from events group by 1, 2');
}

/** Where somebody has changed one of them, it is as it was. */
export async function insertProducts(client: Client, { products }: Dataset): Promise<void> {
  await fill(client, 'products (id, name, description, price, stock, category, created_at, updated_at)', [
    ['uuid', products.map(({ id }) => productId(id))],
    ['text', products.map(({ name }) => name)],
    ['text', products.map(({ category }) => `From the shelf "${category}"`)],
    ['numeric', products.map(({ priceCents }) => `${Math.floor(priceCents / 100)}.${String(priceCents % 100).padStart(2, '0')}`)],
    ['integer', products.map(({ id }) => (id * 37) % 100)],
    ['text', products.map(({ category }) => category)],
    ['timestamptz', products.map(({ id }) => listedAt(id))],
    ['timestamptz', products.map(({ id }) => listedAt(id))],
  ], 'on conflict (id) do update set name = excluded.name, description = excluded.description, price = excluded.price, stock = excluded.stock, category = excluded.category, updated_at = excluded.updated_at');
}

export async function insertReviews(client: Client, { events }: Dataset): Promise<void> {
  const written = reviews(events);
  await fill(client, 'reviews', [
    ['integer', written.map((_, index) => index + 1)],
    ['uuid', written.map(({ productId: id }) => productId(id))],
    ['integer', written.map(({ rating }) => rating)],
    ['text', written.map(({ text }) => text)],
    ['timestamptz', written.map(({ atMs }) => new Date(atMs).toISOString())],
  ]);
}

/** The same on every machine, and easily told. */
export const productId = (id: number): string => `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`;

const listedAt = (id: number): string => new Date(Date.UTC(2026, 0, 1) + id * 60_000).toISOString();

async function fill(client: Client, table: string, columns: readonly Column[], more = ''): Promise<void> {
  const arrays = columns.map(([type], index) => `$${index + 1}::${type}[]`);
  const values = columns.map(([, column]) => column);
  await client.query(`insert into ${table} select * from unnest(${arrays.join(', ')}) ${more}`, values);
}
