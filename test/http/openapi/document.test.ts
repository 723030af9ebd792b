// What definitions of all kinds are described as.
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { aggregate, lookup } from '../../../src/core/aggregate.ts';
import { operation } from '../../../src/core/operation.ts';
import { optional } from '../../../src/core/part.ts';
import { openApi } from '../../../src/http/openapi/document.ts';
import type { Resources } from '../../../src/http/resources.ts';
import { source } from '../../../src/policies/source.ts';

const Thing = z.object({ id: z.string(), price: z.number() }).meta({ id: 'Thing' });
const Id = z.object({ id: z.string().regex(/^\d+$/) });
const NewThing = z.strictObject({ price: z.number().positive(), colour: z.string().default('red') }).meta({ id: 'NewThing' });

const thing = source({ name: 'thing', answers: Thing, load: ({ id }: { id: string }) => Promise.resolve({ id, price: 1 }) });
const stars = source({ name: 'stars', answers: z.number(), load: () => Promise.resolve(4) });
const unsaid = source({ name: 'unsaid', load: () => Promise.resolve(1) });

const page = aggregate({
  name: 'thing-page', summary: 'A thing and what is said of it', input: Id.extend({ currency: z.enum(['EUR', 'USD']).optional() }), deadline: '1s', access: 'public',
  parts: { thing, stars: optional(stars), note: optional(unsaid) },
});
const make = operation({
  name: 'make-thing', input: z.object({}), body: NewThing, headers: z.object({ 'idempotency-key': z.string().optional() }), deadline: '1s', access: { role: 'admin' },
  answers: { 201: Thing }, fails: ['rate_limited'], perform: () => Promise.resolve({ status: 201 as const, body: { id: '1', price: 1 } }),
});
const remove = operation({ name: 'remove-thing', input: Id, deadline: '1s', access: 'authenticated', answers: { 204: null }, perform: () => Promise.resolve({ status: 204 as const }) });

const resources = {
  '/things': { POST: make },
  '/things/:id': { GET: lookup({ name: 'one-thing', input: Id, deadline: '1s', source: thing }), DELETE: remove },
  '/things/:id/page': page,
} satisfies Resources;

interface Told {
  readonly paths: Record<string, Record<string, {
    readonly operationId: string;
    readonly summary?: string;
    readonly security: readonly object[];
    readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
    readonly requestBody?: { readonly content: Record<string, { readonly schema: unknown }> };
    readonly responses: Record<string, { readonly content?: Record<string, { readonly schema: unknown }>; readonly headers?: object; readonly $ref?: string }>;
  }>>;
  readonly components: { readonly schemas: Record<string, { readonly required?: readonly string[]; readonly properties?: Record<string, unknown> }> };
}

const document = openApi(resources, '1.2.3') as unknown as Told;

test('the document is valid', async () => {
  expect(await new Validator().validate(structuredClone(document) as object as Record<string, unknown>)).toEqual({ valid: true });
});

const told = (path: string, method: string) => document.paths[path]![method]!.parameters.map(({ name, in: where, required }) => `${where} ${name}${required ? '!' : ''}`);

test('parameters are where they are read: in the path, in the query, in headers', () => {
  expect(told('/things/{id}/page', 'get')).toEqual(['path id!', 'query currency', 'header If-None-Match']);
  expect(told('/things', 'post')).toEqual(['header idempotency-key']);
  expect(told('/things/{id}', 'delete')).toEqual(['path id!']);
});

test('an aggregate answers with its parts, and says which of them may be missing', () => {
  const { responses, summary, operationId } = document.paths['/things/{id}/page']!['get']!;
  expect([operationId, summary]).toEqual(['thingPage', 'A thing and what is said of it']);
  expect(Object.keys(responses['200']!.content!)).toEqual(['application/json', 'text/event-stream', 'application/x-ndjson']);
  expect(responses['200']!.content!['application/json']!.schema).toEqual({ $ref: '#/components/schemas/ThingPage' });
  const { required, properties } = document.components.schemas['ThingPage']!;
  expect(required).toEqual(['thing', 'stars', 'note']);
  expect(properties).toMatchObject({ thing: { $ref: '#/components/schemas/Thing' }, stars: { anyOf: [{ type: 'number' }, { type: 'null' }] }, note: {}, errors: { type: 'array', description: expect.stringContaining('stars, note') as string } });
});

test('a lookup answers with its one value', () => {
  expect(document.paths['/things/{id}']!['get']!.responses['200']!.content!['application/json']!.schema).toEqual({ $ref: '#/components/schemas/Thing' });
});

test('a body is told as it is sent, and an outcome as it comes', () => {
  const { requestBody, responses } = document.paths['/things']!['post']!;
  expect(requestBody!.content['application/json']!.schema).toEqual({ $ref: '#/components/schemas/NewThing' });
  // What has a default need not be sent.
  expect(document.components.schemas['NewThing']!.required).toEqual(['price']);
  expect(responses['201']).toMatchObject({ headers: { Location: {} }, content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } });
  expect(document.paths['/things/{id}']!['delete']!.responses['204']!.content).toBeUndefined();
});

test('a token is wanted where there is no other way', () => {
  expect(document.paths['/things']!['post']!.security).toEqual([{ bearer: [] }]);
  expect(document.paths['/things/{id}/page']!['get']!.security).toEqual([{}, { bearer: [] }]);
});

test('failures are problems, each status once', () => {
  const { responses } = document.paths['/things/{id}/page']!['get']!;
  expect(responses['404']).toEqual({ $ref: '#/components/responses/Problem404' });
  for (const status of ['400', '401', '403', '429', '500', '502', '503', '504']) expect(responses[status], status).toHaveProperty('$ref');
});

test('two schemas of one name are a mistake', () => {
  const other = operation({ name: 'other', input: z.object({}), body: z.object({}).meta({ id: 'Thing' }), deadline: '1s', access: 'public', answers: { 204: null }, perform: () => Promise.resolve({ status: 204 as const }) });
  expect(() => openApi({ ...resources, '/other': { POST: other } }, '1')).toThrow('expected one schema named Thing, but got two that differ');
});
