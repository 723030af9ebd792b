import { z } from 'zod';
import { onlyKnown } from './only-known.ts';

/** Where products are to be found. */
export const productsPath = '/api/v1/products';

/** The table, as it begins their tags. */
export const productsTable = 'products';

export const ProductId = z
  .string({ error: 'expected a UUID' })
  .regex(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i, 'expected a UUID')
  .transform((text) => text.toLowerCase())
  .meta({ description: 'A UUID', format: 'uuid', examples: ['00000000-0000-4000-8000-000000000001'] });

/** As JSON Schema and Postgres count: in code points, and not in UTF-16 units. */
export const lengthOf = (text: string): number => Array.from(text).length;

/** The same for whoever reads the API's description. U+FEFF is a space to us, and not to every expression. */
const withoutNul = '^[^\\u0000]*$';
const notBlank = '^[^\\u0000]*[^\\s\\ufeff\\u0000][^\\u0000]*$';

/** What Postgres cannot store, or would store as something else, is refused. */
function text(least: number, most: number, description: string) {
  const expected = `expected text of ${least} to ${most} characters${least > 0 ? ', not all of them spaces' : ''}`;
  return z
    .string({ error: expected })
    .refine((value) => lengthOf(value) <= most && (least === 0 || value.trim() !== ''), expected)
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'expected text without U+0000 and halves of characters')
    .meta({ description, ...(least > 0 ? { minLength: least } : {}), maxLength: most, pattern: least > 0 ? notBlank : withoutNul });
}

const Name = text(1, 100, 'What it is called');
const Category = text(1, 100, 'What it is found under');
const Description = text(0, 500, 'More about it').nullable();

const priceMax = 1_000_000;
const expectedPrice = `expected a number above 0, at most ${priceMax}, with two decimals at most`;

/** Looked at as the text that JSON has for it: nothing is computed with it before Postgres does, with decimals. */
const Price = z
  .number({ error: expectedPrice })
  .refine((value) => value > 0 && value <= priceMax && /^\d+(\.\d{1,2})?$/.test(String(value)), expectedPrice)
  .meta({ description: 'In the currency of the shop', exclusiveMinimum: 0, maximum: priceMax, multipleOf: 0.01, examples: [19.9] });

/** Without `multipleOf`: validators that divide doubles, as ajv does, would refuse 19.99. */
const ShownPrice = z.number().meta({ description: 'In the currency of the shop, with two decimals', exclusiveMinimum: 0, maximum: priceMax, examples: [19.9] });

const stockMax = 2 ** 31 - 1;
const expectedStock = `expected a whole number from 0 to ${stockMax}`;
const Stock = z.int({ error: expectedStock }).min(0, expectedStock).max(stockMax, expectedStock).meta({ description: 'How many there are' });

const Time = z.string().meta({ description: 'RFC 3339, in UTC', format: 'date-time' });

export const Product = z.object({
  id: z.string().meta({ format: 'uuid' }),
  name: Name,
  description: Description,
  price: ShownPrice,
  stock: Stock,
  category: Category,
  created_at: Time,
  updated_at: Time,
}).meta({ id: 'Product' });
export type Product = z.infer<typeof Product>;

const fields = { name: Name, description: Description.default(null), price: Price, stock: Stock, category: Category };
const known = onlyKnown('fields', Object.keys(fields));

export const NewProduct = z.strictObject(fields, known).meta({ id: 'NewProduct' });
export type NewProduct = z.infer<typeof NewProduct>;

export const ProductPatch = z
  .strictObject({ name: Name.optional(), description: Description.optional(), price: Price.optional(), stock: Stock.optional(), category: Category.optional() }, known)
  .refine((patch) => Object.keys(patch).length > 0, `expected at least one of ${Object.keys(fields).join(', ')}`)
  .meta({ id: 'ProductPatch', minProperties: 1 });
export type ProductPatch = z.infer<typeof ProductPatch>;
