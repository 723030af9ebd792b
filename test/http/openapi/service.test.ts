// What this service says of itself, as it is committed and as it is served.
import { readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { describe as describeService } from '../../../src/app.ts';
import { createRoutes } from '../../../src/http/routes.ts';
import { publish } from '../../../src/http/openapi/published.ts';
import { withSources } from '../../../tools/service.ts';
import { edgeInMemory } from '../in-memory.ts';

const described = await withSources(describeService);

test('openapi.json is what the definitions say', async () => {
  const committed = JSON.parse(await readFile('openapi.json', 'utf8')) as unknown;
  expect(committed, 'expected openapi.json to be up to date: `npm run openapi` writes it').toEqual(described);
});

// The validator compiles its schemas first, which takes some tenths of a second, and on a busy machine seconds.
test('it is OpenAPI 3.1', async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(described))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('every operation has a name of its own', () => {
  const { paths } = described as { paths: Record<string, Record<string, { operationId: string }>> };
  const names = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  expect(names.length).toBeGreaterThan(0);
  expect(new Set(names).size).toBe(names.length);
});

function published() {
  const { edge } = edgeInMemory();
  const app = createRoutes(edge, {});
  let made = 0;
  publish(app, edge, () => {
    made++;
    return described;
  });
  return { app, made: () => made };
}

test('it is made once, when it is first asked for, and sent again only if it is another one', async () => {
  const { app, made } = published();
  expect(made()).toBe(0);
  const first = await app.request('/openapi.json');
  expect([first.status, first.headers.get('content-type'), first.headers.get('cache-control')]).toEqual([200, 'application/json', 'no-cache']);
  expect(await first.json()).toEqual(described);
  const again = await app.request('/openapi.json', { headers: { 'if-none-match': first.headers.get('etag')! } });
  expect([again.status, await again.text(), again.headers.get('traceresponse')]).toEqual([304, '', expect.stringMatching(/^00-/)]);
  expect((await app.request('/openapi.json', { method: 'HEAD' })).status).toBe(200);
  expect(made()).toBe(1);
});

test.each(['/openapi.json', '/docs', '/docs/start.js'])('%s is only read', async (path) => {
  const reply = await published().app.request(path, { method: 'POST' });
  expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('the page and all that it names are there', async () => {
  const { app } = published();
  const page = await app.request('/docs');
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const named = [...(await page.text()).matchAll(/(?:src|href)="([a-z][^":]*)"/g)].map(([, path]) => `/${path}`);
  expect(named).toContain('/docs/swagger-ui-bundle.js');
  for (const path of named) expect((await app.request(path)).status, path).toBe(200);
  expect((await app.request('/docs/package.json')).status).toBe(404);
});
