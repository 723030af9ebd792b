import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Lookup } from '../core/aggregate.ts';
import type { Answer } from '../core/answer.ts';
import type { FailureCode } from '../core/failure.ts';
import type { Plain } from '../core/json-text.ts';
import type { Outcome } from '../core/operation.ts';
import type { InputIssue } from './input.ts';
import type { problemStatuses } from './problem.ts';
import type { AnyAggregate, Resources } from './resources.ts';

/** Why there is no answer (RFC 9457). */
export interface Problem {
  readonly type: `urn:tributary:problem:${string}`;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: FailureCode;
  readonly part?: string;
  readonly issues?: readonly InputIssue[];
  readonly trace_id: string;
}

/** What an answer says that lacks an optional part. */
export interface Incomplete {
  readonly errors?: readonly { readonly part: string; readonly code: FailureCode; readonly detail: string }[];
}

/** How a part came about, as streams tell it. */
export interface Told {
  readonly part: string;
  readonly state: 'live' | 'cache' | 'stale' | 'missing';
  readonly took_ms?: number;
  readonly age_ms?: number;
}

/** A line of `application/x-ndjson`, of an aggregate that answers with `Data`. */
export type StreamEvent<Data> =
  | { readonly [Part in keyof Data]-?: Told & { readonly event: 'part'; readonly part: Part; readonly data: Data[Part]; readonly error?: NonNullable<Incomplete['errors']>[number] } }[keyof Data]
  | ({ readonly event: 'end'; readonly complete: boolean; readonly parts: readonly Told[] } & Incomplete)
  | ({ readonly event: 'problem' } & Problem);

/** What can be asked as the types of Hono's client (`hc`) have it: by path and `$method`, each reply by its status. */
export type SchemaOf<R extends Resources> = { [Path in keyof R & string]: EndpointsAt<Path, R[Path]> };

type EndpointsAt<Path extends string, R> = R extends AnyAggregate
  ? { $get: Read<Path, R> }
  : { [M in keyof R & string as `$${Lowercase<M>}`]: R[M] extends AnyAggregate ? Read<Path, R[M]> : Done<Path, R[M]> };

type Takes<Given> = StandardSchemaV1<Given, unknown>;

// No interface: Hono's schemas have index signatures, which only other types can be taken for.
type Reply<Input, Output, Status> = { input: Input; output: Output; outputFormat: 'json'; status: Status };

// `never` as output: there is nothing to read, and what the other replies of an endpoint hold keeps its type.
type Read<Path extends string, A> = A extends ((...args: never) => Promise<Answer<infer Data>>) & { readonly input: Takes<infer Given> }
  ? Replies<Asked<Path, Given>, Reply<unknown, A extends Pick<Lookup<never, unknown>, 'sole'> ? Data : Data & Incomplete, 200> | Reply<unknown, never, 304>>
  : never;

type Done<Path extends string, O> = O extends ((...args: never) => Promise<infer Out>) & { readonly input: Takes<infer Given>; readonly body: Takes<infer Body> | undefined; readonly headers: Takes<infer Headers> | undefined }
  ? Replies<Asked<Path, Given> & JsonBody<Body> & Member<'header', Headers>, OutcomeReply<Out>>
  : never;

type OutcomeReply<Out> = Out extends Outcome ? Reply<unknown, Out['status'] extends 204 ? never : Plain<Out['body']>, Out['status']> : never;

/** Each of the replies to this input, or a problem. 499 is for our log alone. */
type Replies<Input, Own> = (Own | Reply<unknown, Problem, ProblemStatus>) extends infer One ? (One extends Reply<unknown, infer Output, infer Status> ? Reply<Input, Output, Status> : never) : never;

type ProblemStatus = Exclude<(typeof problemStatuses)[FailureCode][0], 499>;

/** The parameters that a path names, and the others, which are the query. */
type Asked<Path extends string, Given> = Member<'param', Written<Pick<Fields<Given>, keyof Fields<Given> & Named<Path>>>> & Member<'query', Written<Omit<Fields<Given>, Named<Path>>>>;

/** Any texts where a schema does not say what it takes. zod says `Record<string, never>` where there is nothing to be given. */
type Fields<Given> = unknown extends Given ? Partial<Readonly<Record<string, string>>> : Given extends Readonly<Record<string, never>> ? object : Given;

type Named<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}` ? Name | Named<`/${Rest}`> : Path extends `${string}:${infer Name}` ? Name : never;

/** As it stands in a URL. What a schema converts (`z.coerce`) may be any text. */
type Written<T> = { [K in keyof T]: unknown extends T[K] ? string : T[K] extends infer V ? (V extends number | boolean ? `${V}` : V) : never };

/** A body has to be there even if all of its fields may be left out. */
type JsonBody<Body> = Body extends undefined ? object : { json: Body };

/** A member of what is sent; one that has to be there only if something in it has. */
type Member<Name extends string, T> = keyof T extends never ? object : Partial<T> extends T ? { [N in Name]?: T } : { [N in Name]: T };
