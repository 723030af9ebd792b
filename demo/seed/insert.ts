import type { Client } from 'pg';
import type { Dataset } from './dataset.ts';

type Column = readonly [type: 'integer' | 'text' | 'jsonb' | 'timestamptz', values: readonly unknown[]];

/** Writes all rows, a statement a table: each column travels as one array. */
export async function insert(client: Client, { users, products, orders, events }: Dataset): Promise<void> {
  const items = orders.flatMap((order) => order.items.map((item) => ({ ...item, orderId: order.id })));
  await fill(client, 'users', [
    ['integer', users.map(({ id }) => id)],
    ['jsonb', users.map((user) => JSON.stringify(user))],
  ]);
  await fill(client, 'products', [
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

async function fill(client: Client, table: string, columns: readonly Column[]): Promise<void> {
  const arrays = columns.map(([type], index) => `$${index + 1}::${type}[]`);
  const values = columns.map(([, column]) => column);
  await client.query(`insert into ${table} select * from unnest(${arrays.join(', ')})`, values);
}
