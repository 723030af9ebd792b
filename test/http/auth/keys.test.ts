import { beforeAll, expect, test, vi } from 'vitest';
import { fakeTime, pass, settled, watch } from '../../core/fake-time.ts';
import { jwksOf, newPair, type Pair } from '../../support/issuer.ts';
import { hour, minute, skip, stagedKeys } from './keys-stage.ts';

fakeTime();

let [old, next, other]: Pair[] = [];
beforeAll(async () => { [old, next, other] = await Promise.all([newPair('old'), newPair('next'), newPair('other', 'RS256')]); });

const header = ({ kid, alg }: Pair) => ({ kid, alg });
const known = (keys: ReturnType<typeof stagedKeys>['keys'], pair: Pair) => keys.keyFor(header(pair)).then(() => true, (error: Error) => (error as Error & { code: string }).code);

test('keys are loaded at the start, and again every five minutes', async () => {
  const { issuer, keys } = stagedKeys(jwksOf(old!, other!));
  await keys.start();
  expect([await known(keys, old!), await known(keys, other!), issuer.loads]).toEqual([true, true, 1]);
  await pass(5 * minute);
  expect(issuer.loads).toBe(2);
  await pass(10 * minute);
  expect(issuer.loads).toBe(4);
  await keys.close();
  expect(issuer.closed).toBe(true);
});

test('a key that nobody knows is a reason to look, once for all who wait', async () => {
  const { issuer, keys } = stagedKeys(jwksOf(old!));
  await keys.start();
  issuer.publishes = jwksOf(old!, next!);
  const asked = await Promise.all(Array.from({ length: 100 }, () => known(keys, next!)));
  expect([new Set(asked), issuer.loads]).toEqual([new Set([true]), 2]);
  expect(await known(keys, old!)).toBe(true);
  await keys.close();
});

test('a flood of keys that nobody knows has them loaded once in thirty seconds', async () => {
  const { issuer, keys } = stagedKeys(jwksOf(old!));
  await keys.start();
  const loadsWhile = async (ms: number) => {
    const before = issuer.loads;
    for (let at = 0; at < ms; at += 100) {
      expect(await keys.keyFor({ alg: 'ES256', kid: `forged-${at}` }).catch((error: unknown) => (error as { code: string }).code)).toBe('unauthenticated');
      await pass(100);
    }
    return issuer.loads - before;
  };
  expect(await loadsWhile(30_000)).toBe(1);
  expect(await loadsWhile(30_000)).toBe(1);
  await keys.close();
});

test('a key that is withdrawn is not known any more, and whoever remembers what was verified with it is told', async () => {
  const { issuer, keys } = stagedKeys(jwksOf(old!));
  const told = vi.fn();
  keys.onWithdrawn = told;
  await keys.start();
  issuer.publishes = jwksOf(old!, next!);
  await pass(5 * minute);
  expect(told).not.toHaveBeenCalled();
  issuer.publishes = jwksOf(next!);
  await pass(5 * minute);
  expect(told).toHaveBeenCalledOnce();
  expect([await known(keys, old!), await known(keys, next!)]).toEqual(['unauthenticated', true]);
  // The same id for another key is another key.
  issuer.publishes = { keys: [{ ...other!.published, kid: 'next' }] };
  await pass(5 * minute);
  expect(told).toHaveBeenCalledTimes(2);
  await keys.close();
});

test('while the issuer is down the old keys serve on, for a day', async () => {
  const { issuer, lines, keys } = stagedKeys(jwksOf(old!));
  await keys.start();
  issuer.publishes = new Error('ECONNREFUSED');
  await skip(24 * hour - 1);
  expect(await known(keys, old!)).toBe(true);
  // Whether it exists nobody can say now.
  expect(await known(keys, next!)).toBe('keys_unavailable');
  await pass(1);
  expect([keys.believed(performance.now()), await known(keys, old!)]).toEqual([false, 'keys_unavailable']);
  issuer.publishes = jwksOf(old!);
  await pass(30_000);
  expect([await known(keys, old!), keys.believed(performance.now())]).toEqual([true, true]);
  expect(lines.at(-1)?.msg).toBe('the keys of the issuer are loaded again');
  await keys.close();
});

test('without any keys nobody is let in nor blamed, and they are looked for every five seconds', async () => {
  const { issuer, keys } = stagedKeys(new Error('ECONNREFUSED'));
  await keys.start();
  expect(await known(keys, old!)).toBe('keys_unavailable');
  issuer.publishes = jwksOf(old!);
  await pass(5_000);
  expect(await known(keys, old!)).toBe(true);
  await keys.close();
});

test.each<[string, unknown]>([
  ['an empty set', { keys: [] }],
  ['secrets', { keys: [{ kty: 'oct', kid: 'old', k: 'c2VjcmV0' }] }],
  ['keys to encrypt with', { keys: [{ kty: 'RSA', kid: 'old', use: 'enc' }] }],
  ['keys without names', { keys: [{ kty: 'EC' }] }],
  ['private keys', { keys: [{ kty: 'EC', kid: 'old', d: 'secret' }] }],
])('an issuer that publishes %s is one that is down', async (_, set) => {
  const { issuer, lines, keys } = stagedKeys(jwksOf(old!));
  await keys.start();
  issuer.publishes = set as never;
  await pass(5 * minute);
  expect(await known(keys, old!)).toBe(true);
  expect(lines).toMatchObject([{ level: 'warn', msg: expect.stringContaining('could not be loaded') as string }]);
  await keys.close();
});

test('one key that is of no use does not spoil the others', async () => {
  const { keys } = stagedKeys({ keys: [{ kty: 'oct', kid: 'x', k: 'c2VjcmV0' }, {}, { kty: 'ML', kid: 'y' }, old!.published] });
  await keys.start();
  expect(await known(keys, old!)).toBe(true);
  expect(await keys.keyFor({ alg: 'HS256', kid: 'x' }).catch((error: unknown) => (error as { code: string }).code)).toBe('unauthenticated');
  await keys.close();
});

test('an issuer that does not answer is given up after a second', async () => {
  const { issuer, keys } = stagedKeys(jwksOf(old!));
  await keys.start();
  issuer.publishes = 'nothing';
  const asked = watch(known(keys, next!));
  await pass(999);
  expect(asked.now.state).toBe('pending');
  await pass(1);
  await settled();
  expect(asked.now).toMatchObject({ state: 'answered', value: 'keys_unavailable' });
  expect(await known(keys, old!)).toBe(true);
  await keys.close();
});

test('once closed, it loads nothing more, though a load was under way', async () => {
  const { issuer, keys } = stagedKeys('nothing' as never);
  const started = keys.start();
  const closed = keys.close();
  await pass(1_000);
  await Promise.all([started, closed]);
  await pass(10 * minute);
  expect([issuer.loads, vi.getTimerCount()]).toEqual([1, 0]);
});
