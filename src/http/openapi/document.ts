import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Access } from '../../core/access.ts';
import type { Method } from '../../core/operation.ts';
import { specOf } from '../../core/source.ts';
import { liveSuffix } from '../live/serve-live.ts';
import { type AnyAggregate, type AnyOperation, methodsOf, type Resources } from '../resources.ts';
import { eventSchemas, headers, headersNamed, partErrorSchema, problemReplies, problems, problemSchema } from './replies.ts';
import { functionName, membersOf, type Schema, Schemas, typeName } from './schemas.ts';

/** An OpenAPI 3.1 document, as plain data. */
export type OpenApi = Readonly<Record<string, unknown>>;

/**
 * What the definitions say of themselves: paths, parameters, bodies and answers, those that lack something included, streams
 * and problems. It depends on the definitions alone and not on the configuration, so that it can be compared and published.
 */
export function openApi(resources: Resources, version: string): OpenApi {
  const schemas = new Schemas();
  schemas.put('Problem', problemSchema);
  schemas.put('PartError', partErrorSchema);
  for (const [name, schema] of Object.entries(eventSchemas)) schemas.put(name, schema);
  const paths = Object.fromEntries(Object.entries(resources).flatMap(([path, resource]) => {
    const { GET: read, ...operations } = methodsOf(resource);
    const template = path.replaceAll(/:(\w+)/g, '{$1}');
    const at = {
      ...(read ? { get: describedRead(path, read, schemas) } : {}),
      ...Object.fromEntries(Object.entries(operations).map(([method, operation]) => [method.toLowerCase(), describedOperation(method as Method, path, operation, schemas)])),
    };
    return read ? [[template, at], [template + liveSuffix, { get: describedLive(path, read, schemas) }]] : [[template, at]];
  }));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tributary', version, license: { name: 'MIT', identifier: 'MIT' },
      description: 'One question, many sources, one deadline, an honest answer.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: schemas.components, headers, responses: problemReplies,
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

function describedRead(path: string, read: AnyAggregate, schemas: Schemas): Schema {
  const { name, summary, input, access } = read;
  const { headersOf } = (specOf(read) ?? {}) as DefinedBy;
  const about = ['Age', 'ETag', 'Cache-Status', 'Server-Timing', ...(headersOf ? ['Link'] : [])];
  return {
    operationId: functionName(name),
    ...(summary === undefined ? {} : { summary }),
    security: securityOf(access),
    parameters: [...parametersOf(path, schemas.of(input, 'input')), ifNoneMatch],
    responses: {
      200: {
        description: 'The answer. One that lacks an optional part holds what stands in for it, and `errors`',
        headers: headersNamed(...about, 'X-Accel-Buffering'),
        content: {
          'application/json': { schema: answerOf(read, schemas) },
          'text/event-stream': { schema: { type: 'string', description: 'An event `part` (its data: `StreamedPart`) for each part as it lands, then one `end` (`StreamEnd`), or `problem` (`Problem`)' } },
          'application/x-ndjson': { schema: { type: 'string', description: 'The same, an object a line, whose first member is `event`' } },
        },
      },
      304: { description: 'The client has it already', headers: headersNamed(...about) },
      ...problems(['not_found'], 504),
    },
  };
}

function describedLive(path: string, { name, summary, input, access }: AnyAggregate, schemas: Schemas): Schema {
  return {
    operationId: functionName(`${name}-live`),
    ...(summary === undefined ? {} : { summary: `${summary}, live` }),
    security: securityOf(access),
    parameters: [...parametersOf(path, schemas.of(input, 'input')), { name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string' }, description: 'The id of the last event that the client has had' }],
    responses: {
      200: {
        description: 'A stream that stays open',
        headers: headersNamed('X-Accel-Buffering'),
        content: { 'text/event-stream': { schema: { type: 'string', description: 'An event `part` (its data: `StreamedPart`) for each part as it lands and whenever it changes, `current` (`StreamEnd`) once all of them have landed, `problem` (`Problem`) where it cannot go on, `end` where the process ends (its data: `retry_ms`, when to open the stream again)' } } },
      },
      ...problems(['not_found'], 504),
    },
  };
}

/** Parts as they were defined: sources, or what `optional` made of one. */
type Defined = ((...args: never) => unknown) | { readonly source: object; readonly otherwise: unknown };

interface DefinedBy {
  readonly parts?: Readonly<Record<string, Defined>>;
  readonly source?: object;
  readonly answers?: StandardSchemaV1;
  readonly each?: object;
  readonly headersOf?: unknown;
}

/** What an aggregate answers with, a lookup, or a source that is a part. */
function answerOf(asked: object, schemas: Schemas): Schema {
  const { parts, source, answers, each } = (specOf(asked) ?? {}) as DefinedBy;
  if (each) return { type: 'array', items: answerOf(each, schemas) };
  if (source) return answerOf(source, schemas);
  if (!parts) return schemas.of(answers, 'output');
  const members = Object.entries(parts).map(([name, part]) => [name, partOf(part, schemas)] as const);
  const optional = Object.entries(parts).flatMap(([name, part]) => (typeof part === 'function' ? [] : [name]));
  return schemas.put(typeName((asked as AnyAggregate).name), {
    type: 'object',
    required: members.map(([name]) => name),
    properties: {
      ...Object.fromEntries(members),
      ...(optional.length > 0 ? { errors: { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/PartError' }, description: `Only where something is missing: ${optional.join(', ')}` } } : {}),
    },
  });
}

function partOf(part: Defined, schemas: Schemas): Schema {
  if (typeof part === 'function') return answerOf(part, schemas);
  const whole = answerOf(part.source, schemas);
  return part.otherwise === null && Object.keys(whole).length > 0 ? { anyOf: [whole, { type: 'null' }] } : whole;
}

function describedOperation(method: Method, path: string, operation: AnyOperation, schemas: Schemas): Schema {
  const { name, summary, input, body, headers: wanted, access, answers, fails } = operation;
  const sent = parametersOf(path, schemas.of(input, 'input'));
  return {
    operationId: functionName(name),
    ...(summary === undefined ? {} : { summary }),
    security: securityOf(access),
    parameters: [...sent, ...membersOf(schemas.of(wanted, 'input')).map((header) => ({ ...header, in: 'header' }))],
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: schemas.of(body, 'input') } } } } : {}),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, schema]) => [status, {
        description: outcomes[status] ?? 'Done',
        headers: headersNamed(...(status === '201' ? ['ETag', 'Location'] : schema && method !== 'POST' ? ['ETag'] : [])),
        ...(schema ? { content: { 'application/json': { schema: schemas.of(schema, 'output') } } } : {}),
      }])),
      ...problems([...(path.includes(':') && method !== 'POST' ? ['not_found' as const] : []), ...fails], 504),
    },
  };
}

const outcomes: Readonly<Record<string, string>> = { 200: 'Done', 201: 'Made', 202: 'Taken on', 204: 'Done, and there is nothing to say' };

const ifNoneMatch = { name: 'If-None-Match', in: 'header', required: false, schema: { type: 'string' }, description: 'The ETag of what the client has' };

function parametersOf(path: string, input: Schema): Schema[] {
  return membersOf(input).map(({ name, schema, required }) => {
    const inPath = path.split('/').includes(`:${name}`);
    return { name, in: inPath ? 'path' : 'query', required: inPath || required, schema };
  });
}

/** Whether a token is wanted depends on AUTH, but for roles. */
const securityOf = (access: Access): Schema[] => {
  if (access === 'public') return [{}, { bearer: [] }];
  return typeof access === 'object' && 'role' in access ? [{ bearer: [] }] : [{}, { bearer: [] }];
};
