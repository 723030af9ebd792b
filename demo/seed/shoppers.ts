import { themes } from './catalogue.ts';
import { randomFrom } from './random.ts';

/** A leaning: a theme, and how strongly. */
export interface Taste {
  readonly theme: number;
  readonly weight: number;
}

/** Who somebody is as a customer; profile, orders and events are all told from this. */
export interface Shopper {
  readonly id: number;
  readonly joinedMs: number;
  readonly tastes: readonly Taste[];
  readonly orderCount: number;
}

export const USER_COUNT = 2_000;

const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;
/** The day the seeds were "taken": a fixed one, or no two machines would hold the same rows. */
export const TODAY_MS = Date.UTC(2026, 5, 30, 18);
const OPENED_MS = Date.UTC(2020, 2, 2, 8);

// Most people order now and then, few often, and one in twelve only looks around: those get what is popular.
const ORDER_COUNTS = [8, 22, 20, 15, 11, 8, 6, 4, 2, 1, 1, 1, 1];
const TASTE_WEIGHTS = [6, 3, 1];

/** User 42 is the one everybody asks for: a long history, three clear tastes, some of everything. */
const FORTY_TWO: Shopper = {
  id: 42,
  joinedMs: Date.UTC(2020, 8, 14, 7, 42),
  tastes: [themeNamed('trail running', 6), themeNamed('coffee', 5), themeNamed('baking', 2)],
  orderCount: 14,
};

export function shopper(id: number): Shopper {
  if (id === FORTY_TWO.id) return FORTY_TWO;
  const random = randomFrom(id * 7919);
  const joinedMs = OPENED_MS + random.below((TODAY_MS - OPENED_MS - 30 * DAY_MS) / MINUTE_MS) * MINUTE_MS;
  const tastes: Taste[] = [];
  for (const weight of TASTE_WEIGHTS.slice(0, random.between(1, TASTE_WEIGHTS.length))) {
    const theme = random.below(themes.length);
    if (!tastes.some((taste) => taste.theme === theme)) tastes.push({ theme, weight });
  }
  return { id, joinedMs, tastes, orderCount: random.weighted(ORDER_COUNTS) };
}

function themeNamed(name: string, weight: number): Taste {
  const theme = themes.findIndex((entry) => entry.name === name);
  if (theme === -1) throw new Error(`expected one of the themes ${themes.map((entry) => entry.name).join(', ')}, but got ${name}`);
  return { theme, weight };
}
