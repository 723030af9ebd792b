import type { IncomingMessage } from 'node:http';
import { isIPv4, isIPv6 } from 'node:net';

/**
 * Whose address a request comes from: that of the socket's other end or, behind `proxyHops` proxies which each add the
 * address they were asked from to `X-Forwarded-For`, the one that the outermost of them has added. What stands further
 * left anybody may have written. Where that place holds no address it is the socket's.
 */
export function clientAddress({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>, proxyHops: number): string {
  const peer = normalAddress(socket.remoteAddress ?? '') ?? '';
  const forwarded = headers['x-forwarded-for'];
  if (proxyHops === 0 || typeof forwarded !== 'string') return peer;
  return normalAddress(fromTheRight(forwarded, proxyHops)) ?? peer;
}

/** The n-th item from the right of a list between commas; empty if there are fewer. */
function fromTheRight(list: string, n: number): string {
  let end = list.length;
  for (let passed = 1; passed < n; passed++) {
    end = list.lastIndexOf(',', end - 1);
    if (end <= 0) return '';
  }
  return list.slice(list.lastIndexOf(',', end - 1) + 1, end).trim();
}

/** An address in the one form it is counted under, without port and zone; IPv4 also where it is mapped into IPv6. Undefined for what is none. */
function normalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  // Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
  const [, inBrackets, beforePort] = /^(?:\[([^\]]*)\]|([\d.]+):)(?::?\d{1,5})?$/.exec(text) ?? [];
  const address = (inBrackets ?? beforePort ?? text).split('%', 1)[0]!;
  if (isIPv4(address)) return address;
  return isIPv6(address) ? normalIPv6(address) : undefined;
}

function normalIPv6(address: string): string {
  const groups = groupsOf(address);
  // RFC 4291, §2.5.5.2: ::ffff:192.0.2.1
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xff_ff) {
    return [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join('.');
  }
  return groups.map((group) => group.toString(16)).join(':');
}

/** The eight numbers of an IPv6 address that is known to be one. */
function groupsOf(address: string): number[] {
  const [left = '', right] = withoutDots(address).split('::');
  const first = numbersOf(left);
  const last = right === undefined ? [] : numbersOf(right);
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
}

/** An IPv4 address at the end as two groups (RFC 4291, §2.2). */
function withoutDots(address: string): string {
  const start = address.lastIndexOf(':') + 1;
  const [a, b, c, d] = address.slice(start).split('.').map(Number);
  if (a === undefined || b === undefined || c === undefined || d === undefined) return address;
  return `${address.slice(0, start)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

const numbersOf = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));

/** What is counted together: an IPv4 address, and of IPv6 the first 64 bits, since whoever has one address there has all of them. */
export const networkOf = (address: string): string => (address.includes(':') ? `${address.split(':', 4).join(':')}::/64` : address);
