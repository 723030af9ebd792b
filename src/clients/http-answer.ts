import type { StandardSchemaV1 } from '@standard-schema/spec';
import { Failure } from '../core/failure.ts';
import { JsonText } from '../core/json-text.ts';
import type { Reply } from './http-exchange.ts';

/** What an upstream sent, as JSON. Throws a Failure `bad_answer` for what is none. */
export function parsed(name: string, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new Failure('bad_answer', `${name} answered with what is not JSON`, { cause });
  }
}

/**
 * What a schema lets through, as JSON. Throws a Failure `bad_answer` for another shape. `text` is the JSON that `value`
 * was read from, if that is known: what passes unchanged need not be written again.
 */
export function validated<Out>(name: string, value: unknown, schema: StandardSchemaV1<unknown, Out>, text?: string): JsonText<Out> {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) throw new TypeError(`expected the answer schema of ${name} to validate synchronously`);
  if (!result.issues) return new JsonText<Out>(text !== undefined && isSameList(value, result.value) ? text : JSON.stringify(result.value));
  const issues = result.issues.map(({ message, path }) => `${path?.map(String).join('.') ?? ''}: ${message}`);
  // Of a bulk answer perhaps a single member is to blame.
  throw new Failure('bad_answer', `${name} answered in an unexpected shape`, { cause: new Error(issues.join('; ')), divisible: true });
}

/**
 * A list of strings, numbers and the like that the schema left as it was. Not of objects: one that has a member twice would show
 * its reader another value than the one that was validated.
 */
function isSameList(before: unknown, after: unknown): boolean {
  if (!Array.isArray(before) || !Array.isArray(after) || before.length !== after.length) return false;
  for (let at = 0; at < before.length; at++) {
    const one: unknown = before[at];
    if (typeof one === 'object' || one !== after[at]) return false;
  }
  return true;
}

/** What a reply means whose status is not 200, to a call that has `leftMs` left. */
export function answered(name: string, { status, retryAfter }: Reply, leftMs: number): Failure {
  const cause = new Error(`${name} answered with status ${status}`);
  if (status === 404) return new Failure('not_found', `${name} has nothing for this question`, { cause });
  const retryAfterMs = status === 503 || status === 429 ? retryAfterMsOf(retryAfter) : undefined;
  return new Failure('source_failed', `${name} answered with an error`, {
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs, retryable: retryAfterMs < leftMs }),
  });
}

/** `Retry-After` in seconds (RFC 9110, §10.2.3). Its other form is a date: that is for longer than any call lasts. */
const retryAfterMsOf = (retryAfter: string | undefined): number | undefined =>
  retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : undefined;
