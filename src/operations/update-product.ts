import { z } from 'zod';
import type { Statement } from '../clients/sql.ts';
import { etagOf } from '../core/etag.ts';
import { JsonText } from '../core/json-text.ts';
import { operation } from '../core/operation.ts';
import { Product, ProductId, ProductPatch, productsTable } from '../sources/product.ts';
import { productJson } from '../sources/products.ts';
import type { Sources } from '../sources/sources.ts';
import { checkIfMatch, IfMatch } from './if-match.ts';
import { lockedProduct, noProduct } from './product-row.ts';

export const updateProduct = ({ changes }: Sources) =>
  operation({
    name: 'update-product',
    summary: 'Changes the fields of a product that are given',
    input: z.object({ id: ProductId }),
    body: ProductPatch,
    headers: IfMatch,
    deadline: '2s',
    access: { role: 'admin' },
    answers: { 200: Product },
    fails: ['not_found', 'precondition_failed', 'outcome_unknown'],
    async perform({ input: { id }, body, headers: { 'if-match': ifMatch } }, call) {
      const text = await changes(call, async (change) => {
        if (ifMatch !== undefined) checkIfMatch(ifMatch, etagOf(await lockedProduct(change, id)));
        const { name, description, price, stock, category } = body;
        const [row] = await change.rows(update, [id, name, description !== undefined, description, price === undefined ? undefined : String(price), stock, category]);
        if (!row) throw noProduct();
        change.outdates(`${productsTable}:${id}`);
        return row[0] ?? '';
      });
      return { status: 200, body: new JsonText<Product>(text), headers: { etag: etagOf(text) } };
    },
  });

// The time is taken once the row is ours: of two changes the later one never has the earlier time.
const update: Statement = {
  summary: 'UPDATE products',
  text: `update products set
      name = coalesce($2, name), description = case when $3 then $4 else description end, price = coalesce($5::numeric, price),
      stock = coalesce($6::int, stock), category = coalesce($7, category), updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
    where id = $1 returning ${productJson}::text`,
};
