import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { train, type Purchase } from '../../demo/recommender/model.ts';

/** One user a line: what each of them bought. */
function bought(...baskets: readonly string[]): Purchase[] {
  return baskets.flatMap((basket, index) => basket.split(' ').map((product) => ({ user: index + 1, product })));
}

test('what others bought together with it comes first', () => {
  const model = train(bought('shoes', 'shoes socks', 'shoes socks', 'shoes socks cap', 'tent mat', 'tent mat', 'tent lamp'));

  expect(model.recommend(1, 2)).toEqual(['socks', 'cap']);
});

test('being popular is not being similar', () => {
  // Everybody has milk, so it says nothing; only the two who read also have a lamp.
  const model = train(bought('book', 'book lamp', 'book lamp', 'milk lamp', 'milk', 'milk', 'milk', 'milk', 'milk book'));

  expect(model.recommend(1, 1)).toEqual(['lamp']);
});

test('one shared buyer of two rare things counts less than a pattern of many', () => {
  const pattern = Array.from({ length: 20 }, () => 'kettle teapot');
  const noise = Array.from({ length: 10 }, () => 'kettle');
  const model = train(bought('kettle oddity', 'oddity rarity', 'rarity', ...pattern, ...noise));

  expect(model.recommend(1)[0]).toBe('teapot');
});

test('what somebody already has is not recommended, and the list is filled with what is popular', () => {
  const model = train(bought('a b', 'a b', 'c d', 'c d', 'c e', 'f'));

  const list = model.recommend(1);

  expect(list).toEqual(['c', 'd', 'e', 'f']);
});

test('a user we know nothing of gets the popular ones, most buyers first and equals by name', () => {
  const model = train(bought('b', 'b a', 'c a', 'b'));

  expect(model.recommend(99)).toEqual(['b', 'a', 'c']);
  expect(model.recommend(99, 1)).toEqual(['b']);
});

test('no orders at all: nothing to recommend, and no error', () => {
  expect(train([]).recommend(1)).toEqual([]);
});

const PRODUCTS = 'a b c d e f g h i j k l m n o'.split(' ');
const purchase = fc.record({ user: fc.integer({ min: 1, max: 8 }), product: fc.constantFrom(...PRODUCTS) });
const purchases = fc.array(purchase, { maxLength: 60 });

test('always: at most ten, none twice, none already bought, whatever was bought', () => {
  fc.assert(
    fc.property(purchases, fc.integer({ min: 1, max: 10 }), (all, user) => {
      const list = train(all).recommend(user);
      const own = all.filter(({ user: buyer }) => buyer === user).map(({ product }) => product);
      expect(list.length).toBeLessThanOrEqual(10);
      expect(new Set(list).size).toBe(list.length);
      expect(list.filter((product) => own.includes(product))).toEqual([]);
    }),
  );
});

test('always: the order in which purchases are read, and their repetition, change nothing', () => {
  const shuffled = purchases.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
  fc.assert(
    fc.property(shuffled, fc.integer({ min: 1, max: 8 }), ([all, mixed], user) => {
      expect(train([...mixed, ...mixed]).recommend(user)).toEqual(train(all).recommend(user));
    }),
  );
});
