import { z } from 'zod';
import { onlyKnown } from './only-known.ts';
import { isCursor } from './product-cursor.ts';
import { lengthOf } from './product.ts';

const expectedAmount = 'expected an amount such as 10 or 19.90';

/** In one form, so that equal questions have equal keys: `5`, `5.0` and `05.00` are `5.00`. */
const Amount = z
  .string({ error: expectedAmount })
  .regex(/^\d{1,9}(\.\d{1,2})?$/, expectedAmount)
  .transform((text) => {
    const [whole = '', decimals = ''] = text.split('.');
    return `${Number(whole)}.${decimals.padEnd(2, '0')}`;
  });

const limitUsually = 10;

const Limit = z
  .string({ error: 'expected a whole number from 1 to 100' })
  .refine((text) => /^([1-9]\d?|100)$/.test(text), 'expected a whole number from 1 to 100')
  .optional()
  .transform((text) => Number(text ?? limitUsually))
  .meta({ description: 'How many of them, at most', type: 'integer', minimum: 1, maximum: 100, default: limitUsually });

const Category = z
  .string({ error: 'expected one category' })
  .refine((text) => text !== '' && lengthOf(text) <= 100 && text.isWellFormed() && !text.includes('\0'), 'expected a category of 1 to 100 characters')
  .meta({ description: 'Only of this category', minLength: 1, maxLength: 100 });

const Cursor = z
  .string({ error: 'expected one cursor' })
  .refine(isCursor, 'expected a cursor as the header Link has it')
  .meta({ description: 'Where the page begins: as the header Link of the page before has it' });

const filters = {
  category: Category.optional(),
  min_price: Amount.optional().meta({ description: 'Not below this price' }),
  max_price: Amount.optional().meta({ description: 'Not above this price' }),
  limit: Limit,
  cursor: Cursor.optional(),
};

/** Which products are listed, the newest first. A filter that nobody knows would give a list that nobody asked for, and is refused. */
export const ProductFilter = z
  .strictObject(filters, onlyKnown('parameters', Object.keys(filters)))
  .refine(({ min_price: least, max_price: most }) => least === undefined || most === undefined || centsOf(least) <= centsOf(most), { path: ['min_price'], error: 'expected an amount that is not above max_price' });
export type ProductFilter = z.infer<typeof ProductFilter>;

/** Whole, and so exact. */
const centsOf = (amount: string): number => Number(amount.replace('.', ''));
