export interface Neighbour {
  readonly product: string;
  readonly similarity: number;
}

type Basket = ReadonlySet<string>;

// A basket of n products is n² pairs. Whoever bought more than this is a dealer and says little about taste.
const BASKET_MAX = 300;

/** How many users bought each product. */
export function popularity(baskets: Iterable<Basket>): Map<string, number> {
  const buyers = new Map<string, number>();
  for (const basket of baskets) {
    for (const product of basket) buyers.set(product, (buyers.get(product) ?? 0) + 1);
  }
  return buyers;
}

/**
 * The nearest products of each product. Near is the cosine between the sets of their buyers, `both / √(a · b)`, times
 * `both / (both + shrinkage)`: without the second factor two rare products with one buyer in common would be twins.
 */
export function similarities(
  baskets: Iterable<Basket>,
  buyers: ReadonlyMap<string, number>,
  { shrinkage, neighboursMax }: { shrinkage: number; neighboursMax: number },
): Map<string, Neighbour[]> {
  const nearest = new Map<string, Neighbour[]>();
  for (const [product, together] of boughtTogether(baskets)) {
    const own = buyers.get(product) ?? 0;
    const list = Array.from(together, ([other, both]) => {
      const cosine = both / Math.sqrt(own * (buyers.get(other) ?? 0));
      return { product: other, similarity: (cosine * both) / (both + shrinkage) };
    });
    list.sort((a, b) => b.similarity - a.similarity || (a.product < b.product ? -1 : 1));
    nearest.set(product, list.slice(0, neighboursMax));
  }
  return nearest;
}

/** For each product, how many users bought it and another one. */
function boughtTogether(baskets: Iterable<Basket>): Map<string, Map<string, number>> {
  const counts = new Map<string, Map<string, number>>();
  for (const basket of baskets) {
    if (basket.size > BASKET_MAX) continue;
    for (const product of basket) {
      const row = counts.get(product) ?? new Map<string, number>();
      counts.set(product, row);
      for (const other of basket) {
        if (other !== product) row.set(other, (row.get(other) ?? 0) + 1);
      }
    }
  }
  return counts;
}
