import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { ExactFirst } from '../../src/http/exact-first.ts';

/** What answers this request, of routes added in this order: each says its method and path. */
async function answerTo(request: string, routes: readonly string[]): Promise<string> {
  const app = new Hono({ router: new ExactFirst() });
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ');
    app.on(method === 'any' ? ['ALL'] : [method], path, (c) => c.text(`${route} ${JSON.stringify(c.req.param())}`));
  }
  app.notFound((c) => c.text('none'));
  const [method = '', path = ''] = request.split(' ');
  return (await app.request(path, { method })).text();
}

const routes = [
  'GET /products', 'any /products', 'GET /products/:id', 'DELETE /products/:id', 'any /products/:id',
  'GET /products/live', 'any /products/live', 'GET /products/:id/live', 'GET /a/*',
];

test.each([
  ['GET /products', 'GET /products {}'],
  ['GET /products?limit=1', 'GET /products {}'],
  ['PUT /products', 'any /products {}'],
  ['GET /products/7', 'GET /products/:id {"id":"7"}'],
  ['DELETE /products/7', 'DELETE /products/:id {"id":"7"}'],
  ['PUT /products/7', 'any /products/:id {"id":"7"}'],
  ['GET /products/a%2Fb', 'GET /products/:id {"id":"a/b"}'],
  ['GET /products/7/live', 'GET /products/:id/live {"id":"7"}'],
  ['PUT /products/7/live', 'none'],
  ['GET /products/', 'none'],
  ['GET /products/7/', 'none'],
  ['GET /products//live', 'none'],
  ['GET /Products', 'none'],
  ['GET /a/b/c', 'GET /a/* {}'],
])('%s is answered by: %s', async (request, by) => {
  for (const order of [routes, routes.toReversed()]) {
    // Of two handlers for one pattern the first counts, so those for any method have to come behind.
    const anyLast = order.toSorted((one, other) => Number(one.startsWith('any')) - Number(other.startsWith('any')));
    expect(await answerTo(request, anyLast)).toBe(by);
  }
});

test.each([
  ['GET /products/live', 'GET /products/live {}'],
  ['PUT /products/live', 'any /products/live {}'],
])('%s: a path that is written out goes before a pattern that it fits, in whichever order', async (request, by) => {
  for (const order of [routes, routes.toReversed()]) expect(await answerTo(request, order)).toBe(by);
});
