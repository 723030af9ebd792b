// The development page in a real browser: what people see of it, on a desk and on a phone, in both colour schemes.
import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeService } from '../../../demo/dev/viewer/definitions.ts';
import { Viewer } from '../../../demo/dev/viewer/viewer.ts';
import { json } from '../../support/answers.ts';
import { Browser, chromium } from '../../support/browser.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';
import { record, traceOne } from './recorded.ts';
import { send } from './scenes.ts';

const tool = chromium();
if ('missing' in tool) process.stderr.write(`The development page is not tried in a browser: ${tool.missing}\n`);

// A browser on a busy machine takes its time.
describe.runIf('command' in tool)('in a browser', { timeout: 240_000 }, () => {
  let gateway: Upstream;
  let viewer: Viewer;
  let browser: Browser;
  beforeAll(async () => {
    gateway = await startUpstream();
    gateway.answer(json({ code: 'not_found' }));
    viewer = await Viewer.start({ port: 0, aggregates: await describeService(), gateway: { url: gateway.url } });
    await send(viewer, record);
    browser = await Browser.start((tool as { readonly command: string }).command);
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await viewer.close();
    await gateway.stop();
  });

  const screens = [{ width: 390, height: 844 }, { width: 1_280, height: 800 }].flatMap((size) => (['light', 'dark'] as const).map((scheme) => ({ ...size, scheme })));
  const views = [
    ['requests', `document.querySelector('#list a')?.textContent`, /504.*GET \/api\/overview/],
    [`requests/${traceOne}`, `document.querySelector('.rows')?.textContent`, /user_data.*SELECT users/],
    ['map', `document.querySelector('.node')?.textContent`, /user_data.*cached.*profile/],
    ['ask', `document.querySelector('#ask form')?.textContent`, /api\/aggregated.*user_id.*Ask/],
  ] as const;

  test.each(screens.flatMap((screen) => views.map((view) => [screen.width, screen.scheme, view[0], screen, view] as const)))('%i px, %s, %s', async (width, scheme, name, screen, [, expression, expected]) => {
    await browser.open(`${viewer.page}#/${name}`, screen);
    expect(await browser.sees(expression)).toMatch(expected);
    expect(await browser.sees(`document.documentElement.scrollWidth`), 'no wider than the screen').toBeLessThanOrEqual(width);
    await mkdir('coverage', { recursive: true });
    await writeFile(`coverage/page-${width}-${scheme}-${name.replace('/', '-').slice(0, 12)}.png`, await browser.screenshot());
    expect(browser.complaints).toEqual([]);
  });
});
