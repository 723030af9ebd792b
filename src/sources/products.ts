import { anyOf } from '../cache/gone.ts';
import type { Statement } from '../clients/sql.ts';
import type { Call } from '../core/call.ts';
import { JsonText } from '../core/json-text.ts';
import { batched } from '../policies/batched.ts';
import { source } from '../policies/source.ts';
import { placeOf } from './product-cursor.ts';
import type { ProductFilter } from './product-filter.ts';
import { type Product, productsTable } from './product.ts';
import type { Systems } from './systems.ts';

const time = (column: string): string => `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** A row as clients see it. Made in Postgres, so that a price keeps its two decimals; and by one expression, so that its bytes are always the same. */
export const productJson = `jsonb_build_object('id', id, 'name', name, 'description', description, 'price', price, 'stock', stock, 'category', category, 'created_at', ${time('created_at')}, 'updated_at', ${time('updated_at')})`;

export const product = ({ postgres, cache }: Systems) => {
  const products = postgres.jsonByKey<Product>(`${productsTable}.id`, `select id::text, ${productJson}::text from products where id = any($1)`);
  return source({
    name: 'product',
    load: batched({ key: ({ id }: { readonly id: string }) => id, loadMany: products }),
    guard: { slow: '1s' },
    cache: { in: cache, by: ['id'], fresh: '30s', stale: '5m', staleIfError: '30m', tags: ({ id }) => products.tagsOf(id) },
  });
};

export const productList = ({ postgres, cache }: Systems) =>
  source({
    name: 'product_list',
    load: async (filter: ProductFilter, call: Call) => {
      const { statement, values } = listStatement(filter);
      const rows = await postgres.rows(statement, values, call);
      return new JsonText<readonly Product[]>(rows[0]?.[0] ?? '[]');
    },
    guard: { slow: '1s' },
    // Whichever product is changed may have been in it, or be in it now.
    cache: { in: cache, by: ['category', 'min_price', 'max_price', 'limit', 'cursor'], fresh: '10s', stale: '1m', staleIfError: '30m', tags: () => [anyOf(productsTable)] },
  });

/** A statement for each set of filters, and none that says "or the parameter is null": that would be planned without the index. */
export function listStatement({ category, min_price: least, max_price: most, limit, cursor }: ProductFilter): { statement: Statement; values: readonly unknown[] } {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const conditions: string[] = [];
  if (category !== undefined) conditions.push(`category = ${parameter(category)}`);
  if (least !== undefined) conditions.push(`price >= ${parameter(least)}::numeric`);
  if (most !== undefined) conditions.push(`price <= ${parameter(most)}::numeric`);
  const place = cursor === undefined ? undefined : placeOf(cursor);
  if (place) conditions.push(`(created_at, id) < (${parameter(place.created_at)}::timestamptz, ${parameter(place.id)}::uuid)`);
  const where = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : '';
  const page = `select * from products${where} order by created_at desc, id desc limit ${parameter(limit)}::int`;
  return { statement: { summary: `SELECT ${productsTable}`, text: `select jsonb_agg(${productJson} order by created_at desc, id desc)::text from (${page}) page` }, values };
}
