import { GOODS_PER_THEME, products, themes, type Product } from './catalogue.ts';
import { at, randomFrom, type Random } from './random.ts';
import { TODAY_MS, type Shopper } from './shoppers.ts';

export interface Item {
  readonly product: Product;
  readonly quantity: number;
}

export interface Order {
  readonly id: number;
  readonly userId: number;
  readonly atMs: number;
  readonly status: 'delivered' | 'shipped' | 'returned';
  readonly items: readonly Item[];
}

const PAIRS_PER_THEME = GOODS_PER_THEME / 2;
// The first pair of a theme sells about five times as often as the last.
const PAIR_WEIGHTS = Array.from({ length: PAIRS_PER_THEME }, (_, rank) => Math.trunc(60 / (rank + 3)));
const ITEMS_PER_ORDER = [0, 5, 4, 2, 1];
const SHIPPING_MS = 4 * 24 * 60 * 60_000;

/** Everybody's orders, numbered by the time they were made. */
export function orders(shoppers: readonly Shopper[]): Order[] {
  const unnumbered = shoppers.flatMap(ordersOf);
  unnumbered.sort((a, b) => a.atMs - b.atMs || a.userId - b.userId);
  return unnumbered.map((order, index) => ({ ...order, id: index + 1 }));
}

function ordersOf(shopper: Shopper): Omit<Order, 'id'>[] {
  const random = randomFrom(shopper.id * 15_485_863 + 2);
  return Array.from({ length: shopper.orderCount }, () => {
    // An hour after joining at the earliest: there is some looking around before an order.
    const minutes = Math.trunc((TODAY_MS - shopper.joinedMs) / 60_000) - 60;
    const atMs = shopper.joinedMs + (60 + random.below(minutes)) * 60_000;
    const status = TODAY_MS - atMs < SHIPPING_MS ? 'shipped' : random.chance(4) ? 'returned' : 'delivered';
    return { userId: shopper.id, atMs, status, items: basket(shopper, random) };
  });
}

/** Mostly one theme at a time, as shopping goes; and who takes one of a pair often takes the other too. */
function basket(shopper: Shopper, random: Random): Item[] {
  const chosen = new Map<Product, number>();
  const theme = themeFor(shopper, random);
  for (let left = random.weighted(ITEMS_PER_ORDER); left > 0; left -= 1) {
    const pair = theme * GOODS_PER_THEME + random.weighted(PAIR_WEIGHTS) * 2;
    const first = random.below(2);
    chosen.set(at(products, pair + first), random.chance(12) ? 2 : 1);
    if (random.chance(40)) chosen.set(at(products, pair + 1 - first), 1);
  }
  return Array.from(chosen, ([product, quantity]) => ({ product, quantity }));
}

function themeFor({ tastes }: Shopper, random: Random): number {
  // One order in ten is a present for somebody else: without such noise a recommender would have it too easy.
  if (random.chance(10)) return random.below(themes.length);
  return at(tastes, random.weighted(tastes.map(({ weight }) => weight))).theme;
}
