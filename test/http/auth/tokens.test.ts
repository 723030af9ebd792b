import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeAll, expect, test, vi } from 'vitest';
import { Memory } from '../../../src/cache/memory.ts';
import { startCall } from '../../../src/core/call.ts';
import { untilOver } from '../../../src/core/until-over.ts';
import { Refused } from '../../../src/http/auth/refused.ts';
import { Tokens } from '../../../src/http/auth/tokens.ts';
import { fakeTime, pass } from '../../core/fake-time.ts';
import { forgedTokens } from '../../support/forged-tokens.ts';
import { bearer, inS, jwksOf, newPair, type Pair, rules, token } from '../../support/issuer.ts';
import { hour, minute, skip, stagedKeys } from './keys-stage.ts';

fakeTime();

let pair: Pair;
let next: Pair;
beforeAll(async () => { [pair, next] = await Promise.all([newPair('one'), newPair('two', 'RS256')]); });

async function staged(...pairs: readonly Pair[]) {
  const { issuer, keys, lines } = stagedKeys(jwksOf(...(pairs.length > 0 ? pairs : [pair])));
  await keys.start();
  const tokens = new Tokens(keys, rules);
  const known = (text: string) => tokens.known(bearer(text), performance.now());
  /** Who it is, or why it is refused. */
  const verified = (header: string) => tokens.verified(header).then(({ subject }) => subject, (error: unknown) => (error as Error).message);
  return { issuer, keys, lines, tokens, known, verified, [Symbol.asyncDispose]: () => keys.close() };
}

test('a good token names its caller', async () => {
  await using stage = await staged(pair, next);
  expect(await stage.tokens.verified(bearer(await token(pair, { scope: 'a aggregates:read:any', roles: ['cook'] }))))
    .toEqual({ subject: '1', scopes: ['a', 'aggregates:read:any'], roles: ['cook'], readsAny: true });
  for (const more of [{ aud: ['x', 'other-audience'] }, { iat: undefined }, { nbf: inS(-1) }]) expect(await stage.verified(bearer(await token(next, more)))).toBe('1');
  for (const typ of [undefined, 'JWT', 'jwt', 'at+JWT', 'application/at+jwt']) expect(await stage.verified(bearer(await token(pair, {}, { typ })))).toBe('1');
});

test('no forged token is believed, and none is remembered', async () => {
  await using stage = await staged(pair, next);
  const good = await token(pair, { sub: 'attacker' });
  expect(await stage.verified(bearer(good))).toBe('attacker');
  const forged = await forgedTokens(pair);
  expect(forged.length).toBeGreaterThan(50);
  for (const [how, text] of forged) {
    const error: unknown = await stage.tokens.verified(bearer(text)).catch((error: unknown) => error);
    expect(error, how).toBeInstanceOf(Refused);
    expect((error as Refused).challenge, how).toMatch(/^Bearer realm="tributary", error="(invalid_token|invalid_request)", error_description="[a-zA-Z0-9 ,]+"$/);
    expect(stage.known(text), how).toBeUndefined();
  }
  expect(stage.known(good)).toMatchObject({ subject: 'attacker' });
});

test('a token with a claim twice is read as its last one, and always so', async () => {
  await using stage = await staged();
  const good = await token(pair, { sub: '2' });
  expect(await stage.verified(bearer(good))).toBe('2');
  const { CompactSign } = await import('jose');
  const twice = `{"iss":"${rules.issuer}","aud":"tributary","sub":"1","sub":"3","exp":${inS(60)}}`;
  expect(await stage.verified(bearer(await new CompactSign(Buffer.from(twice)).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(pair.privateKey)))).toBe('3');
});

test.each<[string, number, (s: number) => Record<string, unknown>, string]>([
  ['that ended within the skew', 29, (s) => ({ exp: inS(-s) }), '1'],
  ['that ended beyond it', 30, (s) => ({ exp: inS(-s) }), 'the token has expired'],
  ['that begins within the skew', 30, (s) => ({ nbf: inS(s) }), '1'],
  ['that begins beyond it', 31, (s) => ({ nbf: inS(s) }), 'the token is not valid yet'],
  ['issued within the skew', 30, (s) => ({ iat: inS(s) }), '1'],
  ['issued beyond it', 31, (s) => ({ iat: inS(s) }), 'the token is not valid yet'],
])('clocks differ: a token %s (%d s)', async (_, seconds, more, said) => {
  vi.setSystemTime(1_800_000_000_000);
  await using stage = await staged();
  expect(await stage.verified(bearer(await token(pair, more(seconds))))).toBe(said);
});

test.each([
  ['another scheme', 'Basic dXNlcjpwYXNz', undefined],
  ['a scheme that begins as ours does', 'BearerToken abc', undefined],
  ['nothing at all', '', undefined],
  ['no token', 'Bearer', 'invalid_request'],
  ['no token behind a space', 'Bearer ', 'invalid_request'],
  ['two tokens', 'Bearer abc def', 'invalid_request'],
  ['a token in quotes', 'Bearer "abc"', 'invalid_request'],
  ['a token with parameters', 'Bearer token=abc, x=1', 'invalid_request'],
  ['letters beyond ASCII', 'Bearer ä', 'invalid_request'],
  ['what is no JWT', 'Bearer abc', 'invalid_token'],
  ['too much of it', `Bearer ${'a'.repeat(8 * 1024)}`, 'invalid_token'],
])('a header with %s is told so', async (_, header, said) => {
  await using stage = await staged();
  const error = await stage.tokens.verified(header).catch((error: unknown) => error) as Refused;
  expect([error.challenge.match(/ error="(\w+)"/)?.[1], error.code]).toEqual([said, said === 'invalid_request' ? 'invalid_input' : 'unauthenticated']);
});

test('what is not a token never is, nor does it break anything', async () => {
  await using stage = await staged();
  const [head, body, signature] = (await token(pair)).split('.') as [string, string, string];
  const bent = fc.tuple(fc.constantFrom(0, 1, 2), fc.nat(), fc.string({ maxLength: 3 })).map(([at, place, put]) => [head, body, signature].map((part, index) => (index === at ? part.slice(0, place % part.length) + put + part.slice((place % part.length) + 1) : part)).join('.'));
  await fc.assert(fc.asyncProperty(fc.oneof(bent, fc.string(), fc.base64String()), async (text) => {
    fc.pre(text !== `${head}.${body}.${signature}`);
    const seen: unknown = await stage.tokens.verified(bearer(text)).catch((error: unknown) => error);
    // The last character of base64url may hold bits that are none of the signature's.
    if (!(seen instanceof Refused)) expect(Buffer.from(text.split('.')[2]!, 'base64url')).toEqual(Buffer.from(signature, 'base64url'));
  }), { numRuns: 300 });
});

test('a token is known without being verified again, until it ends', async () => {
  await using stage = await staged();
  const text = await token(pair, { exp: inS(60) });
  expect(stage.known(text)).toBeUndefined();
  await stage.verified(bearer(text));
  const caller = stage.known(text);
  expect(caller).toMatchObject({ subject: '1' });
  expect(stage.known(text)).toBe(caller);
  expect(stage.known(`${text}x`)).toBeUndefined();
  await pass(60_000 + 30_000 - 1_000);
  expect(stage.known(text)).toBe(caller);
  expect(stage.tokens.holds(caller!)).toBe(true);
  await pass(1_000);
  expect(stage.known(text)).toBeUndefined();
  expect(stage.tokens.holds(caller!)).toBe(false);
  expect(await stage.verified(bearer(text))).toBe('the token has expired');
});

test('what was verified with a key that is withdrawn is not believed any more', async () => {
  await using stage = await staged(pair, next);
  const texts = await Promise.all([token(pair, { exp: inS(3_600) }), token(next, { exp: inS(3_600) })]);
  for (const text of texts) await stage.verified(bearer(text));
  const callers = texts.map((text) => stage.known(text)!);
  expect(callers.map((caller) => stage.tokens.holds(caller))).toEqual([true, true]);
  stage.issuer.publishes = jwksOf(next);
  await pass(5 * minute);
  expect(callers.map((caller) => stage.tokens.holds(caller))).toEqual([false, false]);
  expect(texts.map(stage.known)).toEqual([undefined, undefined]);
  expect(await Promise.all(texts.map((text) => stage.verified(bearer(text))))).toEqual(['the token does not name one of the keys of its issuer', '1']);
  expect(stage.known(texts[1])).toBeDefined();
});

test('a token whose key is withdrawn while it is verified is not remembered', async () => {
  await using stage = await staged(pair, next);
  const text = await token(pair, { exp: inS(3_600) });
  const verified = stage.verified(bearer(text));
  stage.issuer.publishes = jwksOf(next);
  vi.advanceTimersByTime(5 * minute);
  await verified;
  expect(stage.known(text)).toBeUndefined();
});

test('after a day without news of the keys nothing is believed, known or not', async () => {
  await using stage = await staged();
  const text = await token(pair, { exp: inS(3 * 24 * 3_600) });
  await stage.verified(bearer(text));
  stage.issuer.publishes = new Error('ECONNREFUSED');
  await skip(24 * hour - 1);
  expect(stage.known(text)).toBeDefined();
  await pass(1);
  expect(stage.known(text)).toBeUndefined();
  expect(await stage.verified(bearer(text))).toBe('the keys that tokens are checked with are not known now');
});

test('a caller that has no time to wait for a new key does not, and the others do', async () => {
  await using stage = await staged();
  stage.issuer.publishes = 'nothing';
  const text = bearer(await token(next));
  using short = startCall(100);
  using long = startCall(2_000);
  const asked = [short, long].map((call) => untilOver(stage.tokens.verified(text), call).catch((error: unknown) => (error as { code: string }).code));
  await pass(1_000);
  expect(await Promise.all(asked)).toEqual(['deadline_exceeded', 'keys_unavailable']);
});

test('of a flood of bad tokens none takes the place of a good one', async () => {
  const put = vi.spyOn(Memory.prototype, 'put');
  await using stage = await staged();
  const text = await token(pair);
  await stage.verified(bearer(text));
  const [head, body] = text.split('.') as [string, string];
  for (let n = 0; n < 100; n++) await stage.verified(`Bearer ${head}.${body}.${createHash('sha512').update(String(n)).digest('base64url')}`);
  expect([stage.known(text)?.subject, put.mock.calls.length]).toEqual(['1', 1]);
});
