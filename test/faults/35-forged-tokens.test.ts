import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { forgedTokens } from '../support/forged-tokens.ts';
import { bearer, newPair, type Pair, token } from '../support/issuer.ts';
import { type Database } from '../support/postgres.ts';
import { raw } from '../support/raw-http.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { type Issued, startIssuer } from './issued.ts';
import { sometimes } from './sometimes.ts';

// Row 35: tokens that somebody made who is not the issuer, or that were made for something else.

const saw = sometimes('a forged token was refused while the answer was ready', 'a forged token was refused by its signature', 'a forged token was refused by what it says');

let database: Database;
let pair: Pair;
let issuer: Issued;
let gateway: Gateway;

beforeAll(async () => {
  [database, pair] = await Promise.all([seedDatabase(), newPair('one')]);
  issuer = await startIssuer(pair, await newPair('two', 'RS256'));
  gateway = await startGateway({ database, authentication: issuer.tokens, cache: new Cache({ bytesMax: 1024 * 1024 }) });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
  await database.drop();
});

const victim = { sub: '1' };
const ask = (text: string, more: Record<string, string> = {}) => gateway.ask(1, { headers: { authorization: bearer(text), ...more } });

test('no forged token reads anything, neither cold nor while the answer is ready, and none leaves a trace of itself', async () => {
  const forged = await forgedTokens(pair, victim);
  const refuse = async () => {
    for (const [how, text] of forged) {
      for (const more of [{}, { accept: 'text/event-stream' }, { 'if-none-match': '*' }]) {
        const reply = await ask(text, more);
        expect([400, 401], how).toContain(reply.status);
        expect(reply.text, how).not.toContain('User 1');
        expect(reply.headers['www-authenticate'], how).toMatch(/^Bearer realm="tributary", error="invalid_/);
        expect(reply.headers['cache-control'], how).toBe('no-store');
        for (const seen of [reply.text, JSON.stringify(reply.headers), JSON.stringify(gateway.log)]) expect(seen.includes(text) && text.length > 3, how).toBe(false);
        saw('a forged token was refused by its signature', reply.text.includes('signature'));
        saw('a forged token was refused by what it says', reply.text.includes('audience') || reply.text.includes('meant for somebody else'));
      }
    }
  };
  const before = gateway.upstream.requests.length;
  await refuse();
  expect(gateway.upstream.requests).toHaveLength(before);
  const good = await token(pair, victim);
  for (let turn = 0; turn < 3; turn++) expect((await ask(good)).status).toBe(200);
  const asked = gateway.upstream.requests.length;
  await refuse();
  expect((await ask(good)).headers['age']).toBeDefined();
  saw('a forged token was refused while the answer was ready', gateway.upstream.requests.length === asked);
});

test('what comes beside a token does not make it another one', async () => {
  const [good, other] = await Promise.all([token(pair, { sub: '2' }), token(pair, victim)]);
  for (const more of [{ 'x-user-id': '1' }, { cookie: `token=${other}` }, { 'proxy-authorization': bearer(other) }, { 'x-forwarded-user': '1' }, { from: '1' }]) expect((await ask(good, more)).status).toBe(403);
  expect((await gateway.ask(`1&access_token=${other}`, { headers: { authorization: bearer(good) } })).status).toBe(403);
});

test.each<[string, (good: string, other: string) => string, string]>([
  ['twice: the first one counts', (good, other) => `Authorization: Bearer ${good}\r\nAuthorization: Bearer ${other}\r\n`, '403'],
  ['twice in one', (good, other) => `Authorization: Bearer ${good}, Bearer ${other}\r\n`, '400'],
  ['folded', (good) => `Authorization: Bearer\r\n ${good}\r\n`, '400'],
  ['with a NUL', (good) => `Authorization: Bearer ${good}\0\r\n`, '400'],
  ['in small letters', (_, other) => `authorization: bearer ${other}\r\n`, '200'],
  ['behind a tab', (_, other) => `Authorization: Bearer\t${other}\r\n`, '401'],
  ['without a colon', (_, other) => `Authorization Bearer ${other}\r\n`, '400'],
])('a header that comes %s', async (_, header, status) => {
  const [good, other] = await Promise.all([token(pair, { sub: '2' }), token(pair, victim)]);
  const reply = String(await raw(gateway.url, `GET /api/aggregated?user_id=1 HTTP/1.1\r\nHost: test\r\n${header(good, other)}Connection: close\r\n\r\n`));
  expect(reply.split(' ')[1]).toBe(status);
});
