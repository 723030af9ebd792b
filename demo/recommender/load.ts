import { Client } from 'pg';
import type { Purchase } from './model.ts';

// Reading a few ten thousand rows takes well under a second; a start that hangs should say so instead.
const LIMIT_MS = 30_000;

/** Who bought what, from the orders. The connection is closed again: once trained, the model needs no database. */
export async function loadPurchases(url: string): Promise<Purchase[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: LIMIT_MS, statement_timeout: LIMIT_MS });
  await client.connect();
  try {
    const { rows } = await client.query<Purchase>(`
      select distinct o.user_id as user, p.slug as product
      from orders o
      join order_items i on i.order_id = o.id
      join goods p on p.id = i.product_id
      where o.status <> 'returned'
    `);
    return rows;
  } finally {
    await client.end();
  }
}
