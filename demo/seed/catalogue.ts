import { homeThemes } from './catalogue-home.ts';
import { outdoorThemes } from './catalogue-outdoors.ts';
import { pastimeThemes } from './catalogue-pastimes.ts';

/** A hobby: what its people buy. Neighbours in pairs go together: an espresso machine and its tamper. */
export interface Theme {
  readonly name: string;
  readonly category: string;
  /** Name and price in cents, the most popular pairs first. */
  readonly goods: readonly (readonly [name: string, priceCents: number])[];
}

export interface Product {
  readonly id: number;
  readonly slug: string;
  readonly name: string;
  readonly category: string;
  readonly priceCents: number;
}

export const themes: readonly Theme[] = [...outdoorThemes, ...homeThemes, ...pastimeThemes];

export const GOODS_PER_THEME = 20;

/** All products; those of theme `t` are the `GOODS_PER_THEME` from `t * GOODS_PER_THEME` on. */
export const products: readonly Product[] = themes
  .flatMap(({ category, goods }) => goods.map(([name, priceCents]) => ({ category, name, priceCents })))
  .map((product, index) => ({ id: index + 1, slug: slugOf(product.name), ...product }));

/** "Trail Running Shoes, Women" → "trail-running-shoes-women" */
export function slugOf(name: string): string {
  const ascii = name.normalize('NFD').replaceAll(/\p{Mark}/gu, '');
  return ascii.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
}
