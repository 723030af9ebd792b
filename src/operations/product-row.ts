import type { Transaction } from '../clients/postgres.ts';
import type { Statement } from '../clients/sql.ts';
import { Failure } from '../core/failure.ts';
import { productJson } from '../sources/products.ts';

/** One for each time: a Failure keeps its stack. */
export const noProduct = (): Failure => new Failure('not_found', 'there is no product with this id');

/** A product as clients see it, which nobody else changes before the transaction is over. Rejects with `not_found`. */
export async function lockedProduct(transaction: Transaction, id: string): Promise<string> {
  const [row] = await transaction.rows(locked, [id]);
  if (!row) throw noProduct();
  return row[0] ?? '';
}

const locked: Statement = { summary: 'SELECT products', text: `select ${productJson}::text from products where id = $1 for update` };
