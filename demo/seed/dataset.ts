import { events, type ShopEvent } from './behaviour.ts';
import { products, type Product } from './catalogue.ts';
import { profile, type Profile } from './profiles.ts';
import { orders, type Order } from './purchases.ts';
import { shopper, USER_COUNT } from './shoppers.ts';

export interface Dataset {
  readonly users: readonly Profile[];
  readonly products: readonly Product[];
  readonly orders: readonly Order[];
  readonly events: readonly ShopEvent[];
}

/** All rows of the demo, the same on every machine and on every day. */
export function dataset(): Dataset {
  const shoppers = Array.from({ length: USER_COUNT }, (_, index) => shopper(index + 1));
  const made = orders(shoppers);
  return { users: shoppers.map(profile), products, orders: made, events: events(shoppers, made) };
}
