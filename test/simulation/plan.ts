import type { Random } from '../../demo/seed/random.ts';

export const users = ['ada', 'bob', 'cyd', 'dan', 'eve'] as const;
export type User = (typeof users)[number];
export const pages = [0, 1, 2, 3] as const;

/** What is asked. `asker` is in no key: an answer that shows it was loaded for that one request. */
export interface Question {
  readonly user: User;
  readonly page: number;
  readonly asker: number;
}

/** A source with its policies. A further policy of `source()` is a further field here, dealt out in `sourcePlan`. */
export interface SourcePlan {
  readonly name: string;
  /** Answers differ by page as well as by user. */
  readonly byPage: boolean;
  /** It says what makes two questions the same. */
  readonly keyed: boolean;
  readonly memoise: boolean;
  readonly timeoutMs: number | undefined;
  readonly batch: { readonly sizeMax: number; readonly inFlightMax: number; readonly waitingMax: number } | undefined;
  readonly cache: { readonly freshMs: number; readonly staleMs: number; readonly errorMs: number } | undefined;
  /** Ask again, and ask twice. Only where the work is shared: there each attempt is known by the call it is made in. */
  readonly retry: boolean;
  readonly hedge: boolean;
  /** After so long an attempt counts as failed. */
  readonly guardMs: number | undefined;
  readonly limit: { readonly underWay: number; readonly waiting: number } | undefined;
  /** The source that it asks first, by its position. */
  readonly needs: number | undefined;
  /** How often, of a hundred loads, it does not listen to its end. */
  readonly deafPercent: number;
}

export interface ScreenPlan {
  readonly name: string;
  readonly deadlineMs: number;
  readonly parts: readonly PartPlan[];
}

export interface PartPlan {
  readonly name: string;
  readonly required: boolean;
  readonly asks: SourcePlan | ScreenPlan;
}

export interface WorldPlan {
  readonly sources: readonly SourcePlan[];
  readonly screens: readonly ScreenPlan[];
  readonly processes: number;
  /** How processes hear of each other: by the shared tier, by a relay, or by nothing since there is one. */
  readonly between: 'tier' | 'relay';
  readonly bytesMax: number;
}

export function planWorld(random: Random): WorldPlan {
  const sources: SourcePlan[] = [];
  for (let left = random.between(2, 6); left > 0; left--) sources.push(sourcePlan(random, sources));
  const screens = Array.from({ length: random.between(1, 3) }, (_, at) => screenPlan(random, `screen-${at}`, sources, 2));
  const between = random.chance(70) ? 'tier' : 'relay';
  // Ten thousand bytes hold about ten answers.
  return { sources, screens, processes: random.between(1, 2), between, bytesMax: random.pick([10_000, 1_000_000]) };
}

function sourcePlan(random: Random, others: readonly SourcePlan[]): SourcePlan {
  const batched = random.chance(30);
  const memoise = random.chance(30);
  const needs = !batched && others.length > 0 && random.chance(40) ? random.below(others.length) : undefined;
  const keyed = batched || memoise || random.chance(70);
  const cache = random.chance(50) ? cacheTimes(random) : undefined;
  const shared = keyed || cache !== undefined;
  return {
    name: `source-${others.length}`,
    // What needs something that differs by page differs by page itself.
    byPage: random.chance(60) || (needs !== undefined && others[needs]!.byPage),
    keyed,
    memoise,
    timeoutMs: random.chance(50) ? random.pick([80, 300, 1_500]) : undefined,
    batch: batched ? { sizeMax: random.pick([1, 2, 3, 100]), inFlightMax: random.between(1, 2), waitingMax: random.pick([1, 3, 50]) } : undefined,
    cache,
    retry: shared && random.chance(40),
    hedge: shared && !batched && random.chance(40),
    guardMs: random.chance(40) ? random.pick([100, 1_000]) : undefined,
    limit: !batched && random.chance(30) ? { underWay: random.pick([1, 2, 5]), waiting: random.pick([0, 1, 3, 20]) } : undefined,
    needs,
    deafPercent: random.pick([0, 20, 100]),
  };
}

/** A question to it has no load of its own only if it was refused: nothing of it is shared, kept or asked twice. */
export const isPlain = ({ keyed, cache }: SourcePlan): boolean => !keyed && !cache;

function cacheTimes(random: Random) {
  // Half a minute outlives a refresh that is given up.
  const staleMs = random.pick([0, 500, 5_000, 30_000]);
  return { freshMs: random.pick([50, 1_000, 10_000]), staleMs, errorMs: Math.max(staleMs, random.pick([0, 2_000, 30_000])) };
}

function screenPlan(random: Random, name: string, sources: readonly SourcePlan[], depth: number): ScreenPlan {
  const parts = Array.from({ length: random.between(1, 4) }, (_, at): PartPlan => {
    const asks = depth > 0 && random.chance(20) ? screenPlan(random, `${name}-${at}`, sources, depth - 1) : random.pick(sources);
    return { name: `p${at}`, required: random.chance(35), asks };
  });
  return { name, deadlineMs: random.pick([100, 700, 2_000]), parts };
}
