import { z } from 'zod';
import type { Statement } from '../clients/sql.ts';
import { etagOf } from '../core/etag.ts';
import { operation } from '../core/operation.ts';
import { ProductId, productsTable } from '../sources/product.ts';
import type { Sources } from '../sources/sources.ts';
import { checkIfMatch, IfMatch } from './if-match.ts';
import { lockedProduct } from './product-row.ts';

export const deleteProduct = ({ changes }: Sources) =>
  operation({
    name: 'delete-product',
    summary: 'Takes a product away',
    input: z.object({ id: ProductId }),
    headers: IfMatch,
    deadline: '2s',
    access: { role: 'admin' },
    answers: { 204: null },
    fails: ['not_found', 'precondition_failed', 'outcome_unknown'],
    async perform({ input: { id }, headers: { 'if-match': ifMatch } }, call) {
      await changes(call, async (change) => {
        checkIfMatch(ifMatch, etagOf(await lockedProduct(change, id)));
        await change.rows(remove, [id]);
        change.outdates(`${productsTable}:${id}`);
      });
      return { status: 204 };
    },
  });

const remove: Statement = { summary: 'DELETE products', text: 'delete from products where id = $1' };
