import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { listStatement } from '../../src/sources/products.ts';
import { cursorAfter, isCursor, placeOf } from '../../src/sources/product-cursor.ts';
import { ProductFilter } from '../../src/sources/product-filter.ts';
import { NewProduct, ProductPatch } from '../../src/sources/product.ts';

const moment = fc.tuple(fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), fc.nat(999))
  .map(([date, micros]) => `${date.toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`);

test('a cursor is the place that it was made of, and nothing else is one', () => {
  fc.assert(fc.property(moment, fc.uuid(), (created_at, id) => {
    const cursor = cursorAfter({ created_at, id });
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(placeOf(cursor)).toEqual({ created_at, id });
    // Another spelling of the same bytes would be another key of the cache.
    expect([`${cursor}=`, `${cursor} `, `${cursor}A`, cursor.slice(0, -1)].filter(isCursor)).toEqual([]);
  }));
  fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string().map((text) => Buffer.from(text).toString('base64url'))), (text) => { expect(isCursor(text)).toBe(false); }));
});

test.each(['0000-12-31T00:00:00.000000Z', '2026-02-30T00:00:00.000000Z', '2026-13-01T00:00:00.000000Z', '2026-01-01T24:00:00.000000Z', '2026-01-01T00:00:00Z', 'infinity'])('%s is no moment that a cursor could have', (created_at) => {
  expect(isCursor(cursorAfter({ created_at, id: '00000000-0000-4000-8000-000000000001' }))).toBe(false);
});

const product = (price: unknown) => ({ name: 'Moka', price, stock: 1, category: 'kitchen' });

test('each price of whole cents is taken, and is the same text for Postgres', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 100_000_000 }), (cents) => {
    const text = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
    const { price } = NewProduct.parse(JSON.parse(JSON.stringify(product(JSON.parse(text)))));
    // As Postgres reads it: with trailing zeros, they are the same digits.
    const [whole = '', decimals = ''] = String(price).split('.');
    expect(`${whole}.${decimals.padEnd(2, '0')}`).toBe(text);
  }));
});

test('a price of parts of a cent is refused, however it is written', () => {
  fc.assert(fc.property(fc.double({ min: -2_000_000, max: 2_000_000, noNaN: true }), (price) => {
    const wholeCents = price > 0 && price <= 1_000_000 && Number(price.toFixed(2)) === price;
    expect(NewProduct.safeParse(product(price)).success).toBe(wholeCents);
  }));
  expect([0, -0, 1e-7, 1e21, Number.NaN, Infinity, '1', null, true].filter((price) => NewProduct.safeParse(product(price)).success)).toEqual([]);
});

const taken = (name: string) => NewProduct.safeParse({ ...product(1), name }).success;

test('a text is counted in characters, and cannot be blank where it has to be there', () => {
  expect(['x', 'é'.repeat(100), '🫖'.repeat(100)].every(taken)).toBe(true);
  expect(['', ' ', '\t\n', '🫖'.repeat(101), '\ud800', '\0'].some(taken)).toBe(false);
});

test('a change has what is to be changed, and no more', () => {
  expect(ProductPatch.parse({ description: null })).toEqual({ description: null });
  expect(Object.keys(ProductPatch.parse({ stock: 0 }))).toEqual(['stock']);
  expect([{}, { name: null }, { stock: undefined, colour: 1 }, [], null].filter((patch) => ProductPatch.safeParse(patch).success)).toEqual([]);
});

test('equal filters are equal, however they are written', () => {
  for (const min_price of ['5', '5.0', '05.00', '000000005']) expect(ProductFilter.parse({ min_price })).toEqual({ min_price: '5.00', limit: 10 });
  expect(ProductFilter.parse({ min_price: '9.99', max_price: '10', limit: '100' })).toEqual({ min_price: '9.99', max_price: '10.00', limit: 100 });
  expect(ProductFilter.safeParse({ min_price: '10', max_price: '9.99' }).error?.issues).toMatchObject([{ path: ['min_price'] }]);
});

test('each set of filters is one statement, whose parameters are the values', () => {
  const cursor = cursorAfter({ created_at: '2026-01-01T00:00:00.000000Z', id: '00000000-0000-4000-8000-000000000001' });
  const all = { category: "'; drop table products; --", min_price: '1.00', max_price: '2.00', cursor };
  const texts = new Set<string>();
  for (let set = 0; set < 16; set++) {
    const filter = { ...Object.fromEntries(Object.entries(all).filter((_, at) => set & (1 << at))), limit: 10 };
    const { statement, values } = listStatement(filter);
    texts.add(statement.text);
    expect(statement.text).not.toContain('drop table');
    expect(new Set(statement.text.match(/\$\d+/g)).size).toBe(values.length);
  }
  expect(texts.size).toBe(16);
});
