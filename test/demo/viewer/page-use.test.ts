// What people do on the development page, in a real browser.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { describeService } from '../../../demo/dev/viewer/definitions.ts';
import { Viewer } from '../../../demo/dev/viewer/viewer.ts';
import type { Answer } from '../../support/answers.ts';
import { Browser, chromium, type Screen } from '../../support/browser.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';
import { record, traceOne } from './recorded.ts';
import { oneInAThousand, send, sharedBatch } from './scenes.ts';

const tool = chromium();
if ('missing' in tool) process.stderr.write(`What people do on the development page is not tried in a browser: ${tool.missing}\n`);

const desk: Screen = { width: 1_280, height: 800, scheme: 'light' };
const phone: Screen = { width: 390, height: 844, scheme: 'dark' };
const listed = `[...document.querySelectorAll('#list a')].map((each) => each.textContent)`;
const event = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const textOf = (selector: string) => `document.querySelector(${JSON.stringify(selector)})?.textContent`;

// A browser on a busy machine takes its time.
describe.runIf('command' in tool)('in a browser', { timeout: 240_000 }, () => {
  let gateway: Upstream;
  let viewer: Viewer;
  let browser: Browser;
  beforeAll(async () => { browser = await Browser.start((tool as { readonly command: string }).command); });
  afterAll(() => browser[Symbol.asyncDispose]());
  const startViewer = async (port: number) => Viewer.start({ port, aggregates: await describeService(), gateway: { url: gateway.url } });
  beforeEach(async () => {
    gateway = await startUpstream();
    viewer = await startViewer(0);
  });
  afterEach(async () => {
    const complaints = browser.complaints.splice(0);
    // A page that is left hears of no viewer that ends.
    await browser.open('about:blank', desk);
    await viewer.close();
    await gateway.stop();
    expect(complaints).toEqual([]);
  });

  test.each([desk, phone])('why one request in a thousand is slow is found in two clicks ($width px)', async (screen) => {
    let slow = { traceId: '', spanId: '' };
    await browser.open(viewer.page, screen);
    await browser.sees(`document.querySelector('#live').dataset.state === 'live'`);
    await send(viewer, (provider) => { slow = oneInAThousand(provider); });
    await browser.sees(`${textOf('#count')} === '500 requests'`);
    await browser.click('#more');
    await browser.sees(`${listed}.length === 200`);
    await browser.click('[name=slow]');
    expect(await browser.sees(`${listed}.length === 1 && ${listed}[0]`)).toMatch(/904 ms.*slow: 904 ms in GET \/recommendations/);
    await browser.click('#list a');
    const reason = await browser.sees(textOf('.reason'));
    expect(reason).toBe('904 ms of 904 ms in GET /recommendations for recommendations, which usually takes 4.00 ms. That long it waited for the answer of 127.0.0.1:7070. ');
    await browser.click('.reason button');
    expect(await browser.sees(`document.querySelector('.row.here[open]')?.dataset.span`)).toBe(slow.spanId);
    expect(await browser.sees('document.documentElement.scrollWidth')).toBeLessThanOrEqual(screen.width);
  });

  test('a part that waited for the batch of another request leads there, and the span says its SQL and how long it waited for a connection', async () => {
    let ids = { leader: '', follower: '', query: '' };
    await send(viewer, (provider) => { ids = sharedBatch(provider); });
    await browser.open(`${viewer.page}#/requests/${ids.follower}`, desk);
    expect(await browser.sees(textOf('.reason'))).toMatch(/^28\.0 ms of 29\.0 ms in SELECT analytics for analytics\. For 20\.0 ms it waited for a connection .*Another request had asked for it first/);
    await browser.click(`.row.shared[data-span="${ids.query}"] .detail a`);
    expect(await browser.sees(`location.hash.includes('${ids.leader}') && document.querySelector('.row.own[open]')?.dataset.span`)).toBe(ids.query);
    expect(await browser.sees(textOf('.row[open] pre'))).toBe('select count(*)\n  from analytics');
    expect(await browser.sees(textOf('.row[open] dl'))).toContain('waited for a connection20.0 ms');
    expect(await browser.sees(`document.querySelector('.row[open] .bar.wait')?.style.inlineSize`)).toMatch(/^66\.6/);
  });

  test('log lines stand below the trace, and those of a span in its detail', async () => {
    await send(viewer, record);
    await browser.open(`${viewer.page}#/requests/${traceOne}`, desk);
    const spanId = await browser.sees(`document.querySelectorAll('.row')[1]?.dataset.span`);
    viewer.log(JSON.stringify({ level: 40, msg: 'no answer of the database', trace_id: traceOne, span_id: spanId, code: 'deadline_exceeded', err: { stack: 'Error: at line one' } }));
    // The line of a request is what the page is told of.
    viewer.log(JSON.stringify({ level: 30, msg: 'request', method: 'GET', route: '/api/overview', status: 504, duration_ms: 10, trace_id: traceOne }));
    expect(await browser.sees(textOf('.logs .log.warn'))).toMatch(/warn.*no answer of the database code=deadline_exceeded.*Error: at line one/);
    await browser.click(`.row[data-span="${spanId as string}"] summary`);
    expect(await browser.sees(textOf('.row[open] .detail .log'))).toContain('no answer of the database');
  });

  test('the list is filtered by kind and text, ordered, and stands still when it is told to', async () => {
    const tell = (digit: string, more: object) => { viewer.log(JSON.stringify({ level: 30, msg: 'request', method: 'GET', route: '/api/aggregated', status: 200, duration_ms: 1, trace_id: digit.repeat(32), ...more })); };
    tell('1', {});
    tell('2', { duration_ms: 700 });
    tell('3', { status: 502, code: 'bad_answer', duration_ms: 2 });
    tell('4', { missing: { analytics: 'deadline_exceeded' }, duration_ms: 3 });
    await browser.open(viewer.page, desk);
    await browser.sees(`${listed}.length === 4`);
    expect(await browser.sees(`['slow', 'incomplete', 'error'].map((name) => document.getElementById('count-' + name).textContent).join()`)).toBe('1,1,1');
    await browser.click('[name=incomplete]');
    expect(await browser.sees(`${listed}.length === 1 && ${listed}[0]`)).toContain('without analytics');
    await browser.click('[name=error]');
    await browser.sees(`${listed}.length === 2`);
    expect(await browser.sees(`${listed}.join()`)).toContain('bad_answer');
    for (const name of ['incomplete', 'error']) await browser.click(`[name=${name}]`);
    const set = (name: string, value: string) => browser.sees(`((field) => { field.value = '${value}'; return field.dispatchEvent(new Event('input', { bubbles: true })); })(document.querySelector('[name=${name}]'))`);
    await set('order', 'slowest');
    expect(await browser.sees(`${listed}.length === 4 && ${listed}[0]`)).toContain('700 ms');
    await set('text', '4444');
    expect(await browser.sees(`${listed}.length === 1 && ${listed}[0]`)).toContain('without analytics');
    await set('text', '');
    await browser.click('[name=pause]');
    await browser.sees(`document.querySelector('#live').dataset.state === 'paused'`);
    tell('5', {});
    await browser.click('[name=pause]');
    await browser.sees(`${listed}.length === 5`);
  });

  test('by keyboard: one stop for the list, arrows within it, and what comes leaves the focus where it is', async () => {
    const tell = (digit: string) => { viewer.log(JSON.stringify({ level: 30, msg: 'request', method: 'GET', route: `/api/${digit}`, status: 200, duration_ms: 1, trace_id: digit.repeat(32) })); };
    for (const digit of ['1', '2', '3']) tell(digit);
    await browser.open(viewer.page, desk);
    await browser.sees(`${listed}.length === 3`);
    expect(await browser.sees(`[...document.querySelectorAll('#list a')].filter(({ tabIndex }) => tabIndex === 0).length`)).toBe(1);
    await browser.sees(`document.querySelector('[name=pause]').focus() ?? true`);
    await browser.press('Tab');
    await browser.press('ArrowDown');
    const focused = await browser.sees(`document.activeElement.closest('#list') && document.activeElement.parentNode.dataset.id`);
    expect(await browser.sees(`document.activeElement.parentNode === document.querySelectorAll('#list li')[1]`)).toBe(true);
    tell('4');
    await browser.sees(`${listed}.length === 4`);
    expect(await browser.sees(`document.activeElement.parentNode.dataset?.id`)).toBe(focused);
    await browser.sees(`document.activeElement.click() ?? true`);
    expect(await browser.sees(`document.querySelector('#list a[aria-current]')?.parentNode.dataset.id`)).toBe(focused);
  });

  test('the map shows what the parts do at this moment', async () => {
    await browser.open(`${viewer.page}#/map`, desk);
    expect(await browser.sees(textOf('.node'))).toContain('not asked');
    await send(viewer, (provider) => { sharedBatch(provider); });
    expect(await browser.sees(`[...document.querySelectorAll('.node')].map((each) => each.textContent).find((each) => /live/.test(each))`)).toMatch(/analytics.*live 0\.2\/s.*mean 29\.0 ms.*SELECT analytics.*cached fresh 30s/);
    expect(await browser.sees(textOf('.aggregate'))).toMatch(/\/api\/aggregated.*deadline 2\.00 s.*access: everybody with AUTH=jwt: whose user_id it is.*0\.2\/s requests/);
  });

  test('parts that are asked for land one by one', async () => {
    const rest = Promise.withResolvers<undefined>();
    const streamed: Answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', traceresponse: `00-${traceOne}-b7ad6b7169203331-01` });
      response.write(event('part', { part: 'user_data', state: 'cache', took_ms: 1, age_ms: 5_000, data: { name: 'Ada' } }));
      void rest.promise.then(() => {
        response.write(event('part', { part: 'recommendations', state: 'missing', took_ms: 1_950, error: { code: 'deadline_exceeded', detail: 'no answer within 1950 ms' }, data: [] }));
        response.end(event('part', { part: 'analytics', state: 'live', took_ms: 4, data: { view: 3 } }) + event('end', { complete: false }));
      });
    };
    gateway.answer(streamed);
    await browser.open(`${viewer.page}#/ask`, phone);
    await browser.click('#ask form button');
    const parts = `[...document.querySelectorAll('.landed .part')].map((each) => each.textContent)`;
    expect(await browser.sees(`document.querySelector('.landed .badge.cache') && ${parts}`)).toEqual([expect.stringMatching(/user_data.*cache.*1\.00 ms · 5 s old.*"Ada"/s), 'recommendationsoptional', 'analyticsoptional']);
    rest.resolve(undefined);
    expect(await browser.sees(`/incomplete/.test(${textOf('.landed')}) && ${parts}`)).toEqual([expect.stringContaining('user_data'), expect.stringMatching(/missing.*1\.95 s · deadline_exceeded/), expect.stringMatching(/live.*"view": 3/s)]);
    expect(await browser.sees(`[...document.querySelectorAll('.landed a')].at(-1)?.hash`)).toBe(`#/requests/${traceOne}`);
    expect(await browser.sees('document.documentElement.scrollWidth')).toBeLessThanOrEqual(phone.width);
  });

  test('when npm run dev ends the page says so, and goes on by itself when it is back', async () => {
    await browser.open(viewer.page, desk);
    await browser.sees(`document.querySelector('#live').dataset.state === 'live'`);
    const port = Number(new URL(viewer.page).port);
    await viewer.close();
    await browser.sees(`document.querySelector('#live').textContent === 'waiting for npm run dev'`);
    viewer = await startViewer(port);
    viewer.log(JSON.stringify({ level: 30, msg: 'request', method: 'GET', route: '/api/anew', status: 200, duration_ms: 1, trace_id: 'a'.repeat(32) }));
    expect(await browser.sees(`document.querySelector('#live').dataset.state === 'live' && ${listed}.length === 1 && ${listed}[0]`)).toContain('/api/anew');
    // Asking in vain is what it is there for.
    expect(browser.complaints.splice(0).filter((each) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(each))).toEqual([]);
  });
});
