import type { IncomingMessage } from 'node:http';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientAddress, networkOf } from '../../src/http/client-address.ts';

const from = (remoteAddress: string | undefined, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1'],
  ['2001:DB8::1', '2001:db8:0:0:0:0:0:1'],
  ['2001:db8:0:0:0:0:0:1', '2001:db8:0:0:0:0:0:1'],
  ['::1', '0:0:0:0:0:0:0:1'],
  ['::', '0:0:0:0:0:0:0:0'],
  ['1::', '1:0:0:0:0:0:0:0'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0:0:0:0:c000:221'],
  ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
  [undefined, ''],
])('of a socket from %s it is %s', (remote, address) => {
  expect(clientAddress(from(remote), 0)).toBe(address);
});

test.each([
  ['nothing', 1, undefined, '10.0.0.1'],
  ['one hop', 1, '203.0.113.7', '203.0.113.7'],
  ['what a client wrote itself, left of it', 1, '198.51.100.1, 203.0.113.7', '203.0.113.7'],
  ['two hops', 2, '198.51.100.1, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
  ['three hops and no spaces', 3, '198.51.100.1,203.0.113.7,10.0.0.2', '198.51.100.1'],
  ['fewer items than hops', 3, '203.0.113.7, 10.0.0.2', '10.0.0.1'],
  ['no hops', 0, '203.0.113.7', '10.0.0.1'],
  ['an empty item', 2, ', 10.0.0.2', '10.0.0.1'],
  ['commas', 2, ',,,', '10.0.0.1'],
  ['an empty text', 1, '', '10.0.0.1'],
  ['a word', 1, 'unknown', '10.0.0.1'],
  ['a name', 1, 'client.example', '10.0.0.1'],
  ['too large a number', 1, '256.1.1.1', '10.0.0.1'],
  ['a port', 1, '203.0.113.7:4711', '203.0.113.7'],
  ['IPv6', 1, '2001:db8::7', '2001:db8:0:0:0:0:0:7'],
  ['IPv6 in brackets', 1, '[2001:db8::7]', '2001:db8:0:0:0:0:0:7'],
  ['IPv6 with a port', 1, '[2001:db8::7]:443', '2001:db8:0:0:0:0:0:7'],
  ['IPv4 in brackets', 1, '[192.0.2.1]:1', '192.0.2.1'],
  ['half a bracket', 1, '[2001:db8::7', '10.0.0.1'],
])('with %s, behind %i proxies, it is found', (_, hops, forwarded, address) => {
  expect(clientAddress(from('10.0.0.1', forwarded), hops)).toBe(address);
});

test('whatever a client writes, behind one proxy it is what the proxy has added', () => {
  fc.assert(fc.property(fc.string(), fc.ipV4(), (written, address) => {
    expect(clientAddress(from('10.0.0.1', `${written}, ${address}`), 1)).toBe(address);
  }));
});

test('every form of one IPv6 address is the same, and all of a /64 count together', () => {
  fc.assert(fc.property(fc.ipV6(), (address) => {
    const [told, other] = [clientAddress(from(address), 0), clientAddress(from(address.toUpperCase()), 0)];
    expect(told).toBe(other);
    if (told.includes(':')) {
      expect(told.split(':')).toHaveLength(8);
      expect(clientAddress(from(told), 0)).toBe(told);
      const neighbour = [...told.split(':').slice(0, 4), '1', '2', '3', '4'].join(':');
      expect(networkOf(neighbour)).toBe(networkOf(told));
    } else {
      expect(networkOf(told)).toBe(told);
    }
  }));
});

test('the next /64 is somebody else', () => {
  expect(networkOf('2001:db8:0:0:0:0:0:1')).toBe('2001:db8:0:0::/64');
  expect(networkOf('2001:db8:0:1:0:0:0:1')).toBe('2001:db8:0:1::/64');
});
