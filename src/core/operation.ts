import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Access, Caller } from './access.ts';
import type { Call } from './call.ts';
import { type Duration, toMs } from './duration.ts';
import type { FailureCode } from './failure.ts';
import type { Plain } from './json-text.ts';
import { definedBy } from './source.ts';

/** What an operation is asked: all of it validated. */
export interface Question<In, Body, Headers> {
  /** The parameters of the path and of the query. */
  readonly input: In;
  readonly body: Body;
  readonly headers: Headers;
  /** Who asks; undefined where nobody has to say. */
  readonly caller: Caller | undefined;
}

/** What an operation answers with. */
export interface Outcome<Body = unknown> {
  readonly status: 200 | 201 | 202 | 204;
  /** As JSON, JsonText spliced as it is; none with 204. */
  readonly body?: Body;
  /** By their names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface OperationSpec<In, Body, Headers, Status extends Outcome['status'], Out extends Outcome & { readonly status: Status }> {
  /** In kebab case: names metrics, log lines and the operation in the API's documentation. */
  readonly name: string;
  /** One line for a reader of the API's documentation. */
  readonly summary?: string;
  /** The parameters of the path and of the query. Validates synchronously, as the other schemas have to. */
  readonly input: StandardSchemaV1<unknown, In>;
  /** The JSON body; left out, there is none. */
  readonly body?: StandardSchemaV1<unknown, Body>;
  /** The headers that it reads, by their names in lower case. */
  readonly headers?: StandardSchemaV1<unknown, Headers>;
  /** What has not happened by then does not happen. */
  readonly deadline: Duration;
  /** Who may ask. It has to be said: what changes something is nobody's by default. */
  readonly access: Access<keyof NoInfer<In> & string>;
  /** What the answers look like, by their status: for the API's documentation and its clients. */
  readonly answers: Readonly<Record<Status, StandardSchemaV1 | null>>;
  /** What it may fail of, besides what every request can: for the same. */
  readonly fails?: readonly FailureCode[];
  /** Does it. Stops with its call, and rejects with a Failure. */
  readonly perform: (question: Question<NoInfer<In>, NoInfer<Body>, NoInfer<Headers>>, call: Call) => Promise<Out>;
}

/** One thing that can be done, where an aggregate is one thing that can be known. */
export interface Operation<In, Body, Headers, Out extends Outcome> {
  (question: Question<In, Body, Headers>, call: Call): Promise<Out>;
  readonly name: string;
  readonly summary: string | undefined;
  readonly input: StandardSchemaV1<unknown, In>;
  readonly body: StandardSchemaV1<unknown, Body> | undefined;
  readonly headers: StandardSchemaV1<unknown, Headers> | undefined;
  readonly deadlineMs: number;
  readonly access: Access;
  readonly answers: Readonly<Record<number, StandardSchemaV1 | null>>;
  readonly fails: readonly FailureCode[];
}

/** The data an operation answers with: `type Product = DoneBy<ReturnType<typeof createProduct>>`. */
export type DoneBy<O> = O extends Operation<never, never, never, infer Out> ? Plain<Out['body']> : never;

/** Throws a TypeError at definition for a bad duration. */
export function operation<In, Body = undefined, Headers = undefined, Status extends Outcome['status'] = never, Out extends Outcome & { readonly status: Status } = Outcome & { readonly status: Status }>(
  spec: OperationSpec<In, Body, Headers, Status, Out>,
): Operation<In, Body, Headers, Out> {
  const { name, summary, input, body, headers, deadline, access, answers, fails = [], perform } = spec;
  // Its own function: it gets a name and members, and `perform` may be somebody else's.
  const performed = (question: Question<In, Body, Headers>, call: Call) => perform(question, call);
  Object.defineProperty(performed, 'name', { value: name });
  return Object.assign(definedBy(performed, spec) as typeof performed & { readonly name: string }, { summary, input, body, headers, deadlineMs: toMs(deadline), access, answers, fails });
}
