// /openapi.json and /docs over a socket, and the page in a real browser.
import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pagePolicy } from '../../src/http/openapi/page.ts';
import { Browser, chromium } from '../support/browser.ts';
import { request } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { type Gateway, seedDatabase, startGateway } from './gateway.ts';

const tool = chromium();
if ('missing' in tool) process.stderr.write(`The page of the API is not tried in a browser: ${tool.missing}\n`);

let database: Database;
let gateway: Gateway;
beforeAll(async () => {
  database = await seedDatabase();
  gateway = await startGateway({ database, docs: true });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database.drop();
});

test('a page has a policy of its own, once, and what is no page has the strictest', async () => {
  const page = await request(`${gateway.url}/docs`);
  expect([page.status, page.headers['content-security-policy'], page.headers['x-content-type-options']]).toEqual([200, pagePolicy, 'nosniff']);
  for (const path of ['/openapi.json', '/docs/start.js', '/docs/none']) {
    const { headers } = await request(`${gateway.url}${path}`);
    expect(headers['content-security-policy'], path).toBe("default-src 'none'; frame-ancestors 'none'");
  }
});

test('each request has its access line, by its route', async () => {
  const before = gateway.log.filter(({ msg }) => msg === 'request').length;
  await request(`${gateway.url}/openapi.json`);
  const lines = await gateway.accessLines(before + 1);
  expect(lines.at(-1)).toMatchObject({ method: 'GET', route: '/openapi.json', status: 200 });
});

test('nothing of it is there unless it is asked for', async () => {
  await using quiet = await startGateway({ database });
  for (const path of ['/openapi.json', '/docs', '/docs/start.js']) expect((await request(`${quiet.url}${path}`)).status, path).toBe(404);
});

describe.runIf('command' in tool)('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await Browser.start((tool as { readonly command: string }).command);
  });
  afterAll(() => browser[Symbol.asyncDispose]());

  test.each([[1_280, 'light'], [390, 'dark']] as const)('operations are shown within the policy, %i px, %s', async (width, scheme) => {
    await browser.open(`${gateway.url}/docs#/default/userOverview`, { width, height: 900, scheme });
    expect(await browser.sees(`document.querySelector('.opblock-summary-path')?.textContent`)).toContain('aggregated');
    expect(await browser.sees(`document.querySelector('.opblock.is-open .responses-table')?.textContent`)).toContain('application/json');
    expect(await browser.sees('document.documentElement.scrollWidth'), 'no wider than the screen').toBeLessThanOrEqual(width);
    await mkdir('coverage', { recursive: true });
    await writeFile(`coverage/docs-${width}-${scheme}.png`, await browser.screenshot());
    // A request to another host, a script or a style that the policy refuses would be among them.
    expect(browser.complaints).toEqual([]);
  });

  test.each([1_280, 390])('what is tried out there is answered, %i px', async (width) => {
    await browser.open(`${gateway.url}/docs#/default/userOverview`, { width, height: 900, scheme: 'light' });
    await browser.sees(`document.querySelector('.try-out__btn').click() ?? true`);
    await browser.sees(`document.querySelector('.execute') !== null`);
    // As React hears of it; what is typed counts when the field is left.
    await browser.sees(`(() => {
      const field = document.querySelector('tr[data-param-name="user_id"] input');
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, '1');
      field.dispatchEvent(new Event('input', { bubbles: true }));
      return field.dispatchEvent(new FocusEvent('focusout', { bubbles: true }));
    })()`);
    await browser.sees(`document.querySelector('.execute').click() ?? true`);
    expect(await browser.sees(`document.querySelector('.live-responses-table tbody .response-col_description')?.textContent`)).toContain('user_data');
    expect(await browser.sees('document.documentElement.scrollWidth'), 'no wider than the screen').toBeLessThanOrEqual(width);
    expect(browser.complaints).toEqual([]);
  });
});
