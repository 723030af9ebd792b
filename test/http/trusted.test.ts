import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { statedDeadlineMs } from '../../src/http/stated-deadline.ts';
import { trusting } from '../../src/http/trusted.ts';

const from = (remoteAddress: string | undefined, headers: Record<string, string> = {}) => ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage;

test.each([
  [['10.0.0.0/8'], '10.1.2.3', true],
  [['10.0.0.0/8'], '11.1.2.3', false],
  // As Node tells an IPv4 peer of a socket that listens to both.
  [['10.0.0.0/8'], '::ffff:10.1.2.3', true],
  [['10.0.0.1'], '10.0.0.1', true],
  [['10.0.0.1'], '10.0.0.2', false],
  [['::1', 'fd00::/8'], 'fd12::1', true],
  [['::1', 'fd00::/8'], 'fe80::1', false],
  [['0.0.0.0/0'], '127.0.0.1', true],
  [[], '127.0.0.1', false],
  // It has gone meanwhile.
  [['0.0.0.0/0'], undefined, false],
])('of %j, %s: %s', (networks, address, trusted) => {
  expect(trusting(networks)(from(address))).toBe(trusted);
});

const header = 'x-envoy-expected-rq-timeout-ms';

test.each([['0', 0], ['250', 250], ['999999999', 999_999_999]])('a trusted caller may state a deadline: "%s"', (text, ms) => {
  expect(statedDeadlineMs(from('10.0.0.1', { [header]: text }), trusting(['10.0.0.0/8']))).toBe(ms);
  expect(statedDeadlineMs(from('11.0.0.1', { [header]: text }), trusting(['10.0.0.0/8']))).toBeUndefined();
});

test.each(['', '-1', '1.5', '1s', '1e3', ' 5', '0x10', '1000000000', '5, 5', '٣'])('"%s" is none', (text) => {
  expect(statedDeadlineMs(from('10.0.0.1', { [header]: text }), trusting(['10.0.0.0/8']))).toBeUndefined();
});

test('without a header or a socket there is none', () => {
  expect(statedDeadlineMs(from('10.0.0.1'), trusting(['10.0.0.0/8']))).toBeUndefined();
  expect(statedDeadlineMs(undefined, trusting(['10.0.0.0/8']))).toBeUndefined();
});
