import { expect, test } from 'vitest';
import { parseRedisUrl, redisSchemes } from '../../src/clients/redis-url.ts';

const nobody = { user: undefined, password: undefined, tls: false };

test.each([
  ['redis://cache', { kind: 'single', server: { host: 'cache', port: 6379 }, db: 0, ...nobody }],
  ['redis://cache.internal:7000/', { kind: 'single', server: { host: 'cache.internal', port: 7000 }, db: 0, ...nobody }],
  ['redis://127.0.0.1:7000/15', { kind: 'single', server: { host: '127.0.0.1', port: 7000 }, db: 15, ...nobody }],
  ['redis://[::1]:7000', { kind: 'single', server: { host: '::1', port: 7000 }, db: 0, ...nobody }],
  ['redis://[fe80::2]', { kind: 'single', server: { host: 'fe80::2', port: 6379 }, db: 0, ...nobody }],
  ['redis://ann:secret@cache', { kind: 'single', server: { host: 'cache', port: 6379 }, db: 0, user: 'ann', password: 'secret', tls: false }],
  ['redis://:secret@cache', { kind: 'single', server: { host: 'cache', port: 6379 }, db: 0, user: undefined, password: 'secret', tls: false }],
  ['rediss://a%40b:%2F%3a%E2%82%AC:@cache', { kind: 'single', server: { host: 'cache', port: 6379 }, db: 0, user: 'a@b', password: '/:€:', tls: true }],
  ['redis+cluster://a:7000,b,[::1]:7002', { kind: 'cluster', nodes: [{ host: 'a', port: 7000 }, { host: 'b', port: 6379 }, { host: '::1', port: 7002 }], ...nobody }],
  ['rediss+cluster://u:p@a', { kind: 'cluster', nodes: [{ host: 'a', port: 6379 }], user: 'u', password: 'p', tls: true }],
  ['redis+sentinel://a,b:26380/main', { kind: 'sentinel', sentinels: [{ host: 'a', port: 26379 }, { host: 'b', port: 26380 }], master: 'main', db: 0, ...nobody }],
  ['rediss+sentinel://u:p@a/my-master.1/3', { kind: 'sentinel', sentinels: [{ host: 'a', port: 26379 }], master: 'my-master.1', db: 3, user: 'u', password: 'p', tls: true }],
])('%s is understood', (url, place) => {
  expect(parseRedisUrl(url)).toEqual(place);
});

test.each([
  ['', 'a URL that begins with one of redis://'],
  ['cache:6379', 'a URL that begins with'],
  ['http://cache', 'a URL that begins with'],
  ['redis:/cache', 'a URL that begins with'],
  ['REDIS://cache', 'a URL that begins with'],
  ['redis://', 'expected hosts'],
  ['redis://a b', 'expected hosts'],
  ['redis://::1', 'expected hosts'],
  ['redis://cache?db=1', 'expected hosts'],
  ['redis://a,b', 'expected one host, but got 2'],
  ['redis://cache:0', 'expected a port from 1 to 65535, but got 0'],
  ['redis://cache:70000', 'but got 70000'],
  ['redis://cache/one', 'expected the number of a database'],
  ['redis://cache/1/2', 'expected the number of a database'],
  ['redis://cache/-1', 'expected the number of a database'],
  ['redis+cluster://a,b/1', 'expected nothing after the hosts of a cluster, but got "1"'],
  ['redis+cluster://a,,b', 'expected hosts'],
  ['redis+sentinel://a,b', 'expected /master-name'],
  ['redis+sentinel://a/', 'expected /master-name'],
  ['redis+sentinel://a/main/x', 'expected the number of a database'],
  ['redis+sentinel://a/main/1/2', 'expected /master-name'],
])('%s is refused', (url, message) => {
  expect(() => parseRedisUrl(url)).toThrow(TypeError);
  expect(() => parseRedisUrl(url)).toThrow(message);
});

test.each(redisSchemes.flatMap((scheme) => [
  `${scheme}://ann:hunter2@`,
  `${scheme}://ann:hunter2@ho st/main`,
  `${scheme}://ann:hunter2%zz@host/main`,
  `${scheme}://hunter2@host/main`,
  `${scheme}://ann:pass/hunter2@host/main`,
  `${scheme}://ann:pass@hunter2@host:0/main`,
  `${scheme}://ann:pass#hunter2/hunter2@@host`,
  `x${scheme}://ann:hunter2@host`,
]))('what is refused in %s names no password', (url) => {
  let message = '';
  try {
    parseRedisUrl(url);
  } catch (error) {
    ({ message } = error as Error);
  }
  expect(message).toMatch(/^expected .+, but got /s);
  expect(message).not.toContain('hunter2');
});
