import { parse } from 'node:querystring';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { Failure } from '../core/failure.ts';
import { quoted } from '../core/told.ts';

/** One thing that is wrong with the input: `{ "parameter": "user_id", "detail": "expected …, but got …" }`. */
export interface InputIssue {
  readonly parameter: string;
  readonly detail: string;
}

/** Input that does not validate, with everything that is wrong with it. */
export class InvalidInput extends Failure {
  readonly issues: readonly InputIssue[];

  constructor(issues: readonly InputIssue[]) {
    super('invalid_input', issues.map(({ parameter, detail }) => `${parameter}: ${detail}`).join('; '));
    this.issues = issues;
  }
}

/**
 * The parameters of a URL, validated: those of its query, and those of its path, which win. A parameter that is given twice
 * reaches the schema as an array: which of the two was meant is not for us to guess. Throws InvalidInput.
 */
export function inputFrom<In>(url: string, schema: StandardSchemaV1<unknown, In>, path: Readonly<Record<string, string>> = {}): In {
  const start = url.indexOf('?');
  const end = url.indexOf('#', start);
  const query = start < 0 ? {} : queryOf(url.slice(start + 1, end < 0 ? undefined : end));
  return validated(Object.assign(query, path), schema, 'query');
}

/** A body of 64 KiB has room for thousands, each of which would be told twice. */
const issuesMax = 20;

/** What came, as a schema sees it; `whole` is what it is called where no member is to blame. Throws InvalidInput. */
export function validated<T>(value: unknown, schema: StandardSchemaV1<unknown, T>, whole: string): T {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) throw new TypeError('expected a schema that validates synchronously');
  if (!result.issues) return result.value;
  throw new InvalidInput(result.issues.slice(0, issuesMax).map(({ message, path = [] }) => {
    const names = path.map((segment) => (typeof segment === 'object' ? segment.key : segment));
    return { parameter: names.map(String).join('.') || whole, detail: `${message}, but got ${shown(names.reduce(memberOf, value))}` };
  }));
}

const memberOf = (value: unknown, name: PropertyKey): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Readonly<Record<PropertyKey, unknown>>)[name] : undefined;

/** One plain pair is what nearly all requests have, and taking it apart here costs a fraction of `parse`. */
function queryOf(text: string): Record<string, string | string[] | undefined> {
  const equals = text.indexOf('=');
  if (equals < 1 || text.includes('&') || text.includes('%') || text.includes('+')) return parse(text);
  return { [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** A value as a problem may repeat it. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `${value.length} values`;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0 ? 'an object' : 'an empty one';
  return typeof value === 'string' ? quoted(value) : JSON.stringify(value);
}
