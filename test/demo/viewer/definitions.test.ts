import { expect, test } from 'vitest';
import { z } from 'zod';
import { describe, describeService } from '../../../demo/dev/viewer/definitions.ts';
import { aggregate } from '../../../src/core/aggregate.ts';
import { JsonText } from '../../../src/core/json-text.ts';
import { optional } from '../../../src/core/part.ts';
import type { Source } from '../../../src/core/source.ts';
import { batched } from '../../../src/policies/batched.ts';
import { source } from '../../../src/policies/source.ts';

interface Question {
  readonly id: string;
}

const answer: Source<Question, JsonText<number>> = () => Promise.resolve(new JsonText<number>('1'));
const plain = source({ name: 'plain', load: answer });

test('what is drawn is what was defined: policies in their order, with their rules', () => {
  const careful = source({
    name: 'careful', load: answer, key: ({ id }: Question) => id, timeout: '250ms', memoise: true, retry: true, hedge: true,
    guard: { slow: '1s' }, limit: { underWay: 8, waiting: 20 },
    cache: { in: undefined, subject: 'id', fresh: '30s', stale: '5m', staleIfError: '10m' },
  });
  const many = source({ name: 'many', load: batched({ key: ({ id }: Question) => id, loadMany: () => Promise.resolve(new Map([['1', 1]])), sizeMax: 50, inFlightMax: 8 }) });
  const shared = source({ name: 'shared', load: answer, key: () => '' });
  const input = z.object({ id: z.string() });
  const inner = aggregate({ name: 'inner', input, deadline: '500ms', parts: { plain } });
  const overview = aggregate({ name: 'overview', summary: 'All of it', input, deadline: '2s', access: 'public', parts: { careful, many: optional(many), shared, inner, own: answer } });

  const [drawn] = describe({ '/overview': overview });
  expect(drawn).toMatchObject({ route: '/overview', name: 'overview', summary: 'All of it', deadlineMs: 2_000, access: 'public', fields: ['id'] });
  expect(drawn?.parts.map(({ name, required, source, steps }) => [name, required, source, steps.map(({ policy, rules }) => `${policy}: ${rules}`)])).toEqual([
    ['careful', true, 'careful', [
      'memoised: once a request', 'cached: fresh 30s, then stale 5m, on failure 10m, by id', 'within: 250ms', 'retried: once, from a budget of a tenth',
      'hedged: a second endpoint, where the first is slow', 'guarded: slower than 1s counts as failed', 'limited: 8 under way, 20 waiting',
    ]],
    ['many', false, 'many', ['batched: across requests, 50 keys, 8 under way']],
    ['shared', true, 'shared', ['coalesced: equal questions share a load']],
    ['inner', true, 'inner', ['within: 500ms']],
    ['own', true, undefined, []],
  ]);
  expect(drawn?.parts[3]?.parts).toMatchObject([{ name: 'plain', source: 'plain', required: true }]);
});

test('the service is described without asking anybody', async () => {
  const [overview] = await describeService();
  expect(overview).toMatchObject({
    route: '/api/aggregated', access: 'whose user_id it is', fields: ['user_id'],
    parts: [{ name: 'user_data', required: true, source: 'profile' }, { name: 'recommendations', required: false }, { name: 'analytics', required: false, source: 'activity' }],
  });
});

test('what answers with one value has that as its part, and a list that is asked about shows both', async () => {
  const drawn = await describeService();
  const shapeOf = (route: string) => drawn.find((each) => each.route === route);
  expect(shapeOf('/api/v1/products/:id')).toMatchObject({ fields: ['id'], access: 'public', parts: [{ name: 'product', required: true, source: 'product' }] });
  expect(shapeOf('/api/v1/products')?.fields).toContain('category');
  expect(shapeOf('/api/v1/products/:id/page')?.parts[1]).toMatchObject({ name: 'similar', required: false, parts: [{ name: 'list', source: 'similar' }, { name: 'each', source: 'product' }] });
});
