import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { type RateLimits, RateWindows } from '../../src/clients/rate-windows.ts';
import { Limits } from '../../src/http/limits.ts';
import { Outgoing } from '../../src/http/outgoing.ts';
import { fakeTime, pass } from '../core/fake-time.ts';

fakeTime();

const rate = { count: 2, windowMs: 60_000 };

function asking(forwarded: string) {
  const request = new IncomingMessage(new Socket());
  request.headers['x-forwarded-for'] = forwarded;
  return { request, response: new Outgoing(request) };
}

test('a caller is told what is left of which policy, and at last when to come again', async () => {
  const limits = new Limits(new RateWindows(rate), 1);
  expect(limits.policy).toBe('"default";q=2;w=60');
  const take = () => {
    const { request, response } = asking('192.0.2.1');
    return { refused: limits.take(request, response), quota: response.quota };
  };
  expect(take()).toEqual({ refused: undefined, quota: '"default";r=1;t=60' });
  await pass(17_500);
  expect(take()).toEqual({ refused: undefined, quota: '"default";r=0;t=43' });
  const { refused, quota } = take();
  expect(quota).toBe('"default";r=0;t=43');
  expect(refused).toMatchObject({ code: 'rate_limited', message: 'expected at most 2 requests within 60 s', retryAfterMs: 42_500 });
});

test.each([
  ['two addresses', ['192.0.2.1'], ['192.0.2.2'], false],
  ['one IPv6 network', ['2001:db8::1'], ['2001:db8::ffff:1'], true],
  ['two IPv6 networks', ['2001:db8::1'], ['2001:db8:0:1::1'], false],
  ['one subject at two addresses', ['192.0.2.1', 'ann'], ['192.0.2.2', 'ann'], true],
  ['two subjects at one address', ['192.0.2.1', 'ann'], ['192.0.2.1', 'bob'], false],
  ['an address, and a subject of that name', ['192.0.2.1'], ['192.0.2.9', '192.0.2.1'], false],
  ['an address, and a subject that claims its key', ['192.0.2.1'], ['192.0.2.9', 'a:192.0.2.1'], false],
] as const)('%s share a window, or do not', (_, one, other, shared) => {
  const limits = new Limits(new RateWindows(rate), 1);
  const take = ([address, subject]: readonly [string, string?]) => {
    const { request, response } = asking(address);
    return limits.take(request, response, subject);
  };
  expect([take(one), take(one)]).toEqual([undefined, undefined]);
  expect(take(other) !== undefined).toBe(shared);
});

test('where the count takes a while, so does the answer', async () => {
  const counted = Promise.withResolvers<{ used: number; leftMs: number }>();
  const rates: RateLimits = { rate, take: () => counted.promise };
  const { request, response } = asking('192.0.2.1');
  const taken = new Limits(rates, 1).take(request, response);
  expect(taken).toBeInstanceOf(Promise);
  counted.resolve({ used: 3, leftMs: 1 });
  expect(await taken).toMatchObject({ code: 'rate_limited' });
  expect(response.quota).toBe('"default";r=0;t=1');
});
