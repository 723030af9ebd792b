import { afterEach, beforeEach, expect, vi } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import type { SharedTier } from '../../src/cache/tier.ts';
import { type Call, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { cached } from '../../src/policies/cached.ts';
import { CachePlan, type CacheRules } from '../../src/policies/cache-plan.ts';
import { settled, watch } from '../core/fake-time.ts';
import { type Ask, scripted } from '../support/scripted.ts';
import { ScriptedTier } from './shared-tier.ts';

export interface Question {
  readonly user: string;
  readonly page?: number;
  /** In no key. */
  readonly hint?: string;
}
export type Text = JsonText<unknown>;

export const json = (value: unknown): Text => new JsonText(JSON.stringify(value));
export const notFound = new Failure('not_found', 'no such user');
export const lost = new Failure('source_failed', 'the connection was lost');
export const clientGone = new Failure('client_gone', 'the client went away');

/** Fresh for 10 s, stale for 20 s more, and for another 30 s where loading fails: a minute in all. */
const rules: Omit<CacheRules<Question>, 'in'> = {
  subject: 'user', by: ['page'], fresh: '10s', stale: '20s', staleIfError: '50s', tags: ({ user }) => [`users:${user}`],
};

export interface Staged {
  readonly shared?: SharedTier;
  readonly cache?: Cache;
  readonly name?: string;
  readonly rules?: Partial<CacheRules<Question>>;
}

/** One process: a cached source over a scripted one. */
export function staged({ shared, cache = new Cache({ bytesMax: 1_000_000, shared }), name = 'profile', rules: more = {} }: Staged = {}) {
  const { source: load, asked } = scripted<Question, Text>();
  const plan = new CachePlan<Question>(name, { ...rules, in: cache, ...more });
  const source = cached<Question, Text>(cache, plan)(load);
  return { cache, plan, asked, load, source, ask: (input: Question | string, call: Call) => source(typeof input === 'string' ? { user: input } : input, call) };
}

/** Two processes with one shared tier. */
export function fleet(rules: Staged['rules'] = {}) {
  const tier = new ScriptedTier();
  const doors = [tier.door(), tier.door()] as const;
  const [one, other] = [staged({ shared: doors[0], rules }), staged({ shared: doors[1], rules })];
  return { tier, doors, one, other };
}

/** Someone who has an answer, or has none yet: what it was, and how it was served. */
export function asking(stage: Pick<ReturnType<typeof staged>, 'ask'>, input: Question | string = 'ada', ms = 1_000) {
  const call = startCall(ms);
  calls.push(call);
  const watched = watch(stage.ask(input, call));
  return {
    call,
    get value(): unknown { return watched.now.state === 'answered' ? watched.now.value.parse() : watched.now.state; },
    get error(): unknown { return watched.now.state === 'failed' ? watched.now.error : watched.now.state; },
    get served(): string { return call.flight.served; },
    get ageMs(): number | undefined { return call.flight.kept && performance.now() - call.flight.kept.storedAt; },
  };
}

/** Has it loaded, and waits until it is there. */
export async function loaded(stage: ReturnType<typeof staged>, value: unknown, input: Question | string = 'ada'): Promise<void> {
  const before = stage.asked.length;
  const asker = asking(stage, input);
  await settled();
  land(stage.asked[before]!, value);
  await settled();
  expect(asker.value).toEqual(value);
  asker.call.end();
}

export const land = (ask: Ask<Question, Text>, value: unknown): void => { ask.resolve(json(value)); };

const calls: Call[] = [];
const strays: unknown[] = [];
const onStray = (reason: unknown): void => { strays.push(reason); };

/** No jitter; at the end of every test, calls that still go on are ended, and a rejection that nobody has handled fails it. */
export function onStage(): void {
  beforeEach(() => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    process.on('unhandledRejection', onStray);
  });
  afterEach(async () => {
    for (const call of calls.splice(0)) call.end();
    await settled();
    await settled();
    process.off('unhandledRejection', onStray);
    expect(strays.splice(0), 'rejections that nobody has handled').toEqual([]);
  });
}
