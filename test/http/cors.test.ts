import type { IncomingMessage, ServerResponse } from 'node:http';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Cors } from '../../src/http/cors.ts';
import { answerPreflight } from '../../src/http/preflight.ts';
import { edgeInMemory } from './in-memory.ts';

const shop = 'https://shop.example';

test('of a configured origin it is said that it may read', () => {
  const headers = new Cors([shop, 'http://localhost:3000']).headersFor(shop);
  expect(headers.slice(0, 4)).toEqual(['vary', 'origin', 'access-control-allow-origin', shop]);
  expect(headers.slice(-2)).toEqual(['timing-allow-origin', shop]);
});

test('of every other text nothing is said, and nothing of it repeated', () => {
  const cors = new Cors([shop]);
  const near = [undefined, '', 'null', `${shop}/`, `${shop}:443`, `${shop}.evil.example`, 'https://SHOP.example', 'http://shop.example', 'https://evilshop.example', `${shop}, https://evil.example`, '*', '__proto__'];
  for (const origin of near) expect(cors.headersFor(origin)).toEqual(['vary', 'origin']);
  fc.assert(fc.property(fc.string(), (origin) => { expect(cors.headersFor(origin)).toEqual(['vary', 'origin']); }));
});

test('with * every page may read, and replies are the same for all', () => {
  const cors = new Cors(['*', shop]);
  expect(cors.headersFor(shop)).toBe(cors.headersFor(undefined));
  expect(cors.headersFor(shop).slice(0, 2)).toEqual(['access-control-allow-origin', '*']);
});

test('nobody is allowed to send credentials', () => {
  for (const origins of [['*'], [shop]]) expect(new Cors(origins).headersFor(shop).join(' ')).not.toContain('credentials');
});

test('while the service drains, the connection of a preflight closes as all others do', () => {
  const { edge } = edgeInMemory();
  const preflight = () => {
    const response = { shouldKeepAlive: true, writeHead() { return this; }, end() { return this; } };
    const headers = { origin: shop, 'access-control-request-method': 'GET' };
    expect(answerPreflight({ method: 'OPTIONS', headers } as unknown as IncomingMessage, response as unknown as ServerResponse, edge)).toBe(true);
    return response.shouldKeepAlive;
  };
  expect(preflight()).toBe(true);
  edge.drain();
  expect(preflight()).toBe(false);
});
