import { GOODS_PER_THEME, products, type Product } from './catalogue.ts';
import type { Order } from './purchases.ts';
import { randomFrom, type Random } from './random.ts';
import { DAY_MS, TODAY_MS, type Shopper } from './shoppers.ts';

export type EventType = 'view' | 'search' | 'wishlist' | 'add_to_cart' | 'purchase' | 'review';

export interface ShopEvent {
  readonly userId: number;
  readonly type: EventType;
  /** A search has none, nor has a purchase: an order is bought as a whole. */
  readonly productId: number | null;
  readonly atMs: number;
}

type Tell = (type: EventType, product: Product | null, atMs: number) => void;

const MINUTE_MS = 60_000;

/** What everybody did in the shop, in order of time. Each order is one purchase, with all that led to it. */
export function events(shoppers: readonly Shopper[], orders: readonly Order[]): ShopEvent[] {
  const all: ShopEvent[] = [];
  const byUser = Map.groupBy(orders, ({ userId }) => userId);
  for (const shopper of shoppers) {
    const random = randomFrom(shopper.id * 32_452_843 + 3);
    const tell: Tell = (type, product, atMs) => {
      if (atMs <= TODAY_MS) all.push({ userId: shopper.id, type, productId: product?.id ?? null, atMs });
    };
    for (const order of byUser.get(shopper.id) ?? []) bought(order, random, tell);
    for (let visits = random.below(4); visits > 0; visits -= 1) lookedAround(shopper, random, tell);
  }
  return all.toSorted((a, b) => a.atMs - b.atMs || a.userId - b.userId);
}

function bought({ atMs, items }: Order, random: Random, tell: Tell): void {
  if (random.chance(50)) tell('search', null, atMs - 40 * MINUTE_MS);
  for (const { product } of items) {
    for (let views = random.between(1, 3); views > 0; views -= 1) {
      tell('view', product, atMs - random.between(6, 35) * MINUTE_MS);
    }
    tell('add_to_cart', product, atMs - random.between(2, 5) * MINUTE_MS);
    if (random.chance(15)) tell('review', product, atMs + random.between(5, 40) * DAY_MS);
  }
  tell('purchase', null, atMs);
}

/** A visit without an order: some looking, now and then a wish or a cart that is left behind. */
function lookedAround({ joinedMs, tastes }: Shopper, random: Random, tell: Tell): void {
  const startMs = joinedMs + random.below(Math.trunc((TODAY_MS - joinedMs) / MINUTE_MS) - 60) * MINUTE_MS;
  const { theme } = random.pick(tastes);
  tell('search', null, startMs);
  for (let minute = random.between(1, 8); minute > 0; minute -= 1) {
    const product = products[theme * GOODS_PER_THEME + random.below(GOODS_PER_THEME)] ?? null;
    tell('view', product, startMs + minute * MINUTE_MS);
    if (random.chance(10)) tell('wishlist', product, startMs + minute * MINUTE_MS);
    if (random.chance(8)) tell('add_to_cart', product, startMs + minute * MINUTE_MS);
  }
}
