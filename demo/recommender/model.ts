import { popularity, similarities, type Neighbour } from './similarity.ts';

/** Somebody bought something; how often does not matter here. */
export interface Purchase {
  readonly user: number;
  readonly product: string;
}

export interface ModelOptions {
  /** Pairs seen together this often keep half of their similarity; seen once, very little. */
  readonly shrinkage?: number;
  /** How many neighbours a product keeps. */
  readonly neighboursMax?: number;
}

export interface Model {
  /** At most `limit` products the user has not bought yet, best first; the popular ones for users we do not know. */
  recommend(user: number, limit?: number): string[];
  /** At most `limit` products that are bought by those who buy this one, nearest first; none for one we do not know. */
  similar(product: string, limit?: number): string[];
  readonly userCount: number;
  readonly productCount: number;
  readonly pairCount: number;
}

// Two people who bought the same two things are a coincidence, ten are a pattern.
const SHRINKAGE = 4;
// Beyond the nearest few dozen there is only noise left, and memory.
const NEIGHBOURS_MAX = 40;

/**
 * Item-to-item collaborative filtering: G. Linden, B. Smith, J. York, "Amazon.com Recommendations: Item-to-Item
 * Collaborative Filtering", IEEE Internet Computing 7(1), 2003, pp. 76–80. What is similar is worked out beforehand,
 * from who bought both; a question then only adds up the neighbours of what one user bought.
 */
export function train(purchases: Iterable<Purchase>, options: ModelOptions = {}): Model {
  const { shrinkage = SHRINKAGE, neighboursMax = NEIGHBOURS_MAX } = options;
  const baskets = basketsOf(purchases);
  const buyers = popularity(baskets.values());
  const neighbours = similarities(baskets.values(), buyers, { shrinkage, neighboursMax });
  const popular = [...buyers].toSorted(([a, many], [b, few]) => few - many || compare(a, b)).map(([product]) => product);

  const recommend = (user: number, limit = 10): string[] => {
    const bought = baskets.get(user) ?? new Set<string>();
    const chosen = new Set(ranked(scores(bought, neighbours)).slice(0, limit));
    for (const product of popular) {
      if (chosen.size >= limit) break;
      if (!bought.has(product)) chosen.add(product);
    }
    return [...chosen];
  };
  const similar = (product: string, limit = 6): string[] => (neighbours.get(product) ?? []).slice(0, limit).map((near) => near.product);
  const pairCount = neighbours.values().reduce((sum, list) => sum + list.length, 0);
  return { recommend, similar, userCount: baskets.size, productCount: buyers.size, pairCount };
}

/** Every product that is near to something bought, with the sum of how near. */
function scores(bought: ReadonlySet<string>, neighbours: ReadonlyMap<string, readonly Neighbour[]>): Map<string, number> {
  const sums = new Map<string, number>();
  for (const product of bought) {
    for (const { product: near, similarity } of neighbours.get(product) ?? []) {
      if (!bought.has(near)) sums.set(near, (sums.get(near) ?? 0) + similarity);
    }
  }
  return sums;
}

function ranked(sums: ReadonlyMap<string, number>): string[] {
  return [...sums].toSorted(([a, high], [b, low]) => low - high || compare(a, b)).map(([product]) => product);
}

/** Sorted, and so are the products within: sums of the same numbers in another order could differ in the last bit. */
function basketsOf(purchases: Iterable<Purchase>): Map<number, ReadonlySet<string>> {
  const byUser = Map.groupBy(purchases, ({ user }) => user);
  const users = [...byUser].toSorted(([a], [b]) => a - b);
  return new Map(users.map(([user, bought]) => [user, new Set(bought.map(({ product }) => product).toSorted(compare))]));
}

/** Not localeCompare: the order must not depend on the machine's language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
