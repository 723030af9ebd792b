// Row 32. Questions whose values run into each other when they are written one behind the other: whatever differs in source,
// tenant, scope, subject or parameters has a key of its own, so that in both tiers everybody finds their own answer.
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { hashOf } from '../../src/cache/key.ts';
import { createRedis, type RedisTier } from '../../src/clients/redis.ts';
import { startCall } from '../../src/core/call.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { cached } from '../../src/policies/cached.ts';
import { CachePlan } from '../../src/policies/cache-plan.ts';
import { lookalike } from '../support/lookalike.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('an answer came from memory', 'an answer came from Redis', 'two questions were alike when put together', 'a text with half a character was kept');

interface Input {
  readonly subject: string;
  readonly page: string | number | bigint | boolean | null | undefined;
  readonly filter: string | number;
}

/** All that tells two questions apart. */
interface Question extends Input {
  readonly source: string;
  readonly tenant: string;
  readonly scope: string;
}

const tenants = ['', 'b', '1:b'];

const question: fc.Arbitrary<Question> = fc.record({
  source: fc.constantFrom('a', 'ab', '1:a'),
  tenant: fc.constantFrom(...tenants),
  scope: fc.constantFrom('', 'c', '~'),
  subject: lookalike,
  page: fc.oneof(lookalike, fc.integer({ min: -2, max: 2 }), fc.bigInt({ min: 0n, max: 2n }), fc.boolean(), fc.constantFrom(null, undefined)),
  // Not -0: it is the same as 0.
  filter: fc.oneof(lookalike, fc.constantFrom(0, 1, Number.NaN)),
});

/** What a question is, exactly. */
const exactly = ({ source, tenant, scope, subject, page, filter }: Question): string => inspect([source, tenant, scope, subject, page, filter]);

/** A process with a cache for each tenant; its sources answer with what they were asked. */
class Process {
  loads = 0;
  readonly #caches: ReadonlyMap<string, Cache>;

  constructor(caches: ReadonlyMap<string, Cache>) {
    this.#caches = caches;
  }

  plan({ source, tenant, scope }: Question): CachePlan<Input> {
    return new CachePlan<Input>(source, { in: this.#caches.get(tenant), scope, subject: 'subject', by: ['page', 'filter'], fresh: '10m', tags: () => [] });
  }

  async ask(one: Question): Promise<unknown> {
    const { source, tenant, scope, subject, page, filter } = one;
    const asked = cached<Input, JsonText<string>>(this.#caches.get(tenant)!, this.plan(one))((input) => {
      this.loads++;
      return Promise.resolve(new JsonText(JSON.stringify(exactly({ source, tenant, scope, ...input }))));
    });
    using call = startCall(10_000);
    return (await asked({ subject, page, filter }, call)).parse();
  }
}

let redis: RedisServer;
let tiers: readonly RedisTier[];
let one: Process;
let other: Process;

beforeAll(async () => {
  redis = await startRedis();
  const connect = () => createRedis({ url: redis.url, namespace: 'test', answerMs: 5_000, onTrouble: () => undefined });
  const caches = [0, 1].map(() => tenants.map((tenant) => ({ tenant, tier: connect() })));
  tiers = caches.flat().map(({ tier }) => tier);
  await until(() => tiers.every(({ ready }) => ready), () => 'expected Redis to answer');
  [one, other] = caches.map((each) => new Process(new Map(each.map(({ tenant, tier }) => [tenant, new Cache({ bytesMax: 10 * 1024 * 1024, shared: tier, tenant })])))) as [Process, Process];
});
afterAll(async () => {
  await Promise.all(tiers.map((tier) => tier.close()));
  await redis[Symbol.asyncDispose]();
});

const plain: Question = { source: 'a', tenant: 'b', scope: '', subject: '1', page: '11', filter: '' };
/** The same letters, otherwise divided. */
const alike: readonly Question[] = [plain, { ...plain, source: 'ab', tenant: '' }, { ...plain, subject: '11', page: '1' }, { ...plain, subject: '', page: '', filter: '111' }, { ...plain, page: 11 }];

/** As somebody would put them together who did not know better. */
const together = ({ source, tenant, scope, subject, page, filter }: Question): string => [source, tenant, scope, subject, page, filter].join('');

test('whoever asks for something finds what was loaded for exactly that, in memory and in Redis', async () => {
  await fc.assert(fc.asyncProperty(fc.array(question, { minLength: 2, maxLength: 12 }), async (questions) => {
    for (const asked of questions) expect(await one.ask(asked)).toBe(exactly(asked));
    const loadsOfOne = one.loads;
    for (const asked of questions) expect(await one.ask(asked)).toBe(exactly(asked));
    saw('an answer came from memory', one.loads === loadsOfOne);
    const loadsOfOther = other.loads;
    for (const asked of questions) expect(await other.ask(asked)).toBe(exactly(asked));
    saw('an answer came from Redis', other.loads - loadsOfOther < new Set(questions.map(exactly)).size);
    saw('a text with half a character was kept', questions.some(({ subject }) => !subject.isWellFormed()));
  }), { numRuns: 100, examples: [[[...alike]]] });
});

test('questions that differ have keys and hashes that differ', () => {
  fc.assert(fc.property(fc.array(question, { minLength: 2, maxLength: 40 }), (questions) => {
    const different = new Map(questions.map((one) => [exactly(one), one]));
    const keys = [...different.values()].map((asked) => one.plan(asked).keyOf(asked));
    expect(new Set(keys).size).toBe(different.size);
    const hashes = keys.flatMap((key) => hashOf(key) ?? []);
    expect(new Set(hashes).size).toBe(hashes.length);
    saw('two questions were alike when put together', new Set([...different.values()].map(together)).size < different.size);
  }), { numRuns: 300, examples: [[[...alike]]] });
});
