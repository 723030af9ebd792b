// The page of one answer as it lands and as it changes, in a real browser: with live answers, and with a service that has none.
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cache } from '../../../src/cache/cache.ts';
import { Viewer } from '../../../demo/dev/viewer/viewer.ts';
import { type Gateway, seedDatabase, startGateway } from '../../system/gateway.ts';
import { Browser, chromium } from '../../support/browser.ts';
import { type Database, query } from '../../support/postgres.ts';

const tool = chromium();
if ('missing' in tool) process.stderr.write(`The page of live answers is not tried in a browser: ${tool.missing}\n`);

/** A service whose live answers the test writes. */
async function scriptedLive() {
  const watching = Promise.withResolvers<ServerResponse>();
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'access-control-allow-origin': request.headers.origin ?? '' });
    response.flushHeaders();
    watching.resolve(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const told = async (part: string, data: unknown) => { (await watching.promise).write(`event: part\nid: a\ndata: ${JSON.stringify({ part, state: 'live', data })}\n\n`); };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, told,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const phone = { width: 390, height: 844, scheme: 'dark' } as const;
const desk = { width: 1_280, height: 800, scheme: 'light' } as const;
const cardOf = (part: string) => `document.querySelector('#part-${part}')`;

describe.runIf('command' in tool)('in a browser', { timeout: 240_000 }, () => {
  let database: Database;
  let gateway: Gateway;
  let browser: Browser;
  beforeAll(async () => {
    database = await seedDatabase();
    gateway = await startGateway({ database, corsOrigins: ['*'], liveMax: 0 });
    browser = await Browser.start((tool as { readonly command: string }).command);
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await gateway[Symbol.asyncDispose]();
    await database.drop();
  });

  test.each([phone, desk])('a part is shown when it lands, and marked where it changes, $width px', async (screen) => {
    await using service = await scriptedLive();
    await using viewer = await Viewer.start({ port: 0, aggregates: [], gateway: { url: service.url } });
    await browser.open(`${viewer.endpoint}/live?user=7`, screen);
    await service.told('user_data', { name: 'Ada', city: 'London' });
    expect(await browser.sees(`${cardOf('user_data')}?.textContent`)).toMatch(/user_data\s*live.*"name": "Ada"/s);
    expect(await browser.sees(`document.querySelectorAll('#parts article').length`), 'parts so far').toBe(1);
    await service.told('recommendations', ['<img src=x>']);
    expect(await browser.sees(`${cardOf('recommendations')}?.textContent`)).toContain('<img src=x>');
    await service.told('user_data', { name: 'Ada Lovelace', city: 'London' });
    expect(await browser.sees(`[...document.querySelectorAll('#part-user_data mark')].map((each) => each.textContent.trim()).join()`)).toBe('"name": "Ada Lovelace",');
    expect(await browser.sees(`document.querySelector('#state').dataset.kind`)).toBe('open');
    expect(await browser.sees(`document.documentElement.scrollWidth`), 'no wider than the screen').toBeLessThanOrEqual(screen.width);
    await mkdir('coverage', { recursive: true });
    await writeFile(`coverage/live-${screen.width}-${screen.scheme}.png`, await browser.screenshot());
    // Of the page before it, whose service has ended, there may be one.
    expect(browser.complaints.filter((one) => one.includes(service.url) || one.includes(viewer.endpoint))).toEqual([]);
  });

  test('what changes in the database is seen on the page, once the gateway hears of it', async () => {
    const cache = new Cache({ bytesMax: 1024 * 1024 });
    await using service = await startGateway({ database, cache, corsOrigins: ['*'] });
    await using viewer = await Viewer.start({ port: 0, aggregates: [], gateway: { url: service.url } });
    await browser.open(`${viewer.endpoint}/live?user=3`, desk);
    expect(await browser.sees(`document.querySelectorAll('#parts article').length === 3 && ${cardOf('user_data')}.textContent`)).toContain('"name": "User 3"');
    await query(database.url, `update users set data = data || '{"name": "Ada Lovelace"}' where id = 3`);
    cache.forget(['users:3']);
    expect(await browser.sees(`document.querySelector('#part-user_data mark')?.textContent`)).toContain('Ada Lovelace');
  });

  test('a service without live answers is asked once, part by part', async () => {
    await using viewer = await Viewer.start({ port: 0, aggregates: [], gateway: { url: gateway.url } });
    await browser.open(`${viewer.endpoint}/live?user=1`, desk);
    expect(await browser.sees(`document.querySelector('#state[data-kind=ended]')?.textContent`)).toContain('asked once');
    expect(await browser.sees(`document.querySelectorAll('#parts article').length`)).toBe(3);
  });

  test('why there is no answer is said', async () => {
    await using viewer = await Viewer.start({ port: 0, aggregates: [], gateway: { url: gateway.url } });
    await browser.open(`${viewer.endpoint}/live?user=${encodeURIComponent('no id!')}`, desk);
    expect(await browser.sees(`document.querySelector('#state[data-kind=failed]')?.textContent`)).toMatch(/^400 invalid_input: user_id/);
  });
});
