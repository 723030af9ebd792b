import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Statement } from '../clients/sql.ts';
import { etagOf } from '../core/etag.ts';
import { JsonText } from '../core/json-text.ts';
import { operation } from '../core/operation.ts';
import { NewProduct, Product, productsPath, productsTable } from '../sources/product.ts';
import { productJson } from '../sources/products.ts';
import type { Sources } from '../sources/sources.ts';
import { Idempotent, once } from './idempotency.ts';

export const createProduct = ({ changes }: Sources) =>
  operation({
    name: 'create-product',
    summary: 'Adds a product',
    input: z.object({}),
    body: NewProduct,
    headers: Idempotent,
    deadline: '2s',
    access: { role: 'admin' },
    answers: { 201: Product },
    fails: ['conflict', 'idempotency_key_reused', 'outcome_unknown'],
    async perform({ body, headers, caller }, call) {
      const created = await changes(call, (change) =>
        once(change, { key: headers['idempotency-key'], subject: caller?.subject ?? '', request: ['create-product', body] }, async () => {
          const id = randomUUID();
          const { name, description, price, stock, category } = body;
          const [row] = await change.rows(insert, [id, name, description, String(price), stock, category]);
          change.outdates(`${productsTable}:${id}`);
          const text = row?.[0] ?? '';
          return { status: 201, body: new JsonText<Product>(text), headers: { location: `${productsPath}/${id}`, etag: etagOf(text) } };
        }),
      );
      return created;
    },
  });

const insert: Statement = {
  summary: 'INSERT products',
  text: `insert into products (id, name, description, price, stock, category, created_at, updated_at)
    select $1, $2, $3, $4::numeric, $5::int, $6, now, now from clock_timestamp() as now returning ${productJson}::text`,
};
