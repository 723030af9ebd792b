// The gateway as `npm run dev` starts it.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startChild } from '../../demo/dev/child.ts';
import { request } from '../support/http-client.ts';
import { Changes } from '../support/until.ts';

const root = join(import.meta.dirname, '../..');
const nowhere = { DATABASE_URL: 'postgres://127.0.0.1:9/none', RECOMMENDATIONS_URL: 'http://127.0.0.1:9' };

async function startGateway(env: Readonly<Record<string, string>>) {
  const lines: string[] = [];
  const changes = new Changes();
  const child = await startChild({
    args: ['demo/dev/gateway.ts'], cwd: root, endLimitMs: 5_000,
    env: { HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', AUTH: 'none', CACHE: 'off', ...nowhere, ...env },
    onLine: (line) => { lines.push(line); changes.announce(); },
    onCrash: () => { changes.announce(); },
  });
  const listening = () => lines.map((line) => /"port":(\d+).*"msg":"listening"/.exec(line)?.[1]).find((port) => port !== undefined);
  return { lines, changes, listening, url: () => `http://127.0.0.1:${listening()}`, [Symbol.asyncDispose]: async () => { await child.end(); } };
}

test('its own /_dev leads to the page, and nothing else does', async () => {
  await using gateway = await startGateway({ DEV_PAGE: 'http://127.0.0.1:4318/_dev' });
  await gateway.changes.until(() => gateway.listening() !== undefined, () => `expected it to listen: ${gateway.lines.join('\n')}`, 15_000);
  expect(await request(`${gateway.url()}/_dev`)).toMatchObject({ status: 307, headers: { location: 'http://127.0.0.1:4318/_dev', 'cache-control': 'no-store' } });
  for (const path of ['/_dev/events', '/_development', '/']) expect((await request(gateway.url() + path)).status, path).toBe(404);
});

test('what is wrong with its configuration is said as in production', async () => {
  await using gateway = await startGateway({ DATABASE_URL: '' });
  await gateway.changes.until(() => gateway.lines.some((line) => line.includes('DATABASE_URL')), () => gateway.lines.join('\n'), 15_000);
  expect(gateway.lines[0]).toBe('The configuration is not valid:');
});
