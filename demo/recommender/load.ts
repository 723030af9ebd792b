import { Client } from 'pg';
import { productId } from '../seed/insert.ts';
import type { Purchase } from './model.ts';

// Reading a few ten thousand rows takes well under a second; a start that hangs should say so instead.
const LIMIT_MS = 30_000;

/** Who bought what, from the orders, and by which ids the API knows it. */
export interface Loaded {
  readonly purchases: readonly Purchase[];
  /** Slugs by id. */
  readonly products: ReadonlyMap<string, string>;
}

/** The connection is closed again: once trained, the model needs no database. */
export async function loadShop(url: string): Promise<Loaded> {
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
    const goods = await client.query<{ id: number; slug: string }>('select id, slug from goods');
    return { purchases: rows, products: new Map(goods.rows.map(({ id, slug }) => [productId(id), slug])) };
  } finally {
    await client.end();
  }
}
