import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Access, ownAccess, type Readers, readersOf } from './access.ts';
import { Answer, type PartReport, SoleAnswer } from './answer.ts';
import type { Call } from './call.ts';
import { type Duration, toMs } from './duration.ts';
import { Gathering, type Landed } from './gathering.ts';
import { inSpan } from './in-span.ts';
import { Inbox } from './inbox.ts';
import { type DataOf, type Parts, type PlannedPart, planParts, type Seen } from './part.ts';
import { definedBy, type Source, speaks } from './source.ts';

/** An aggregate is itself a source: it nests, and every policy fits it. `Given` is its input before it is validated. */
export interface Aggregate<In, Data, Given = unknown> extends Source<In, Answer<Data>> {
  readonly name: string;
  readonly summary: string | undefined;
  readonly input: StandardSchemaV1<Given, In>;
  readonly deadlineMs: number;
  /** Who may ask it over HTTP. Nested in another one it has no say: the outermost decides. */
  readonly access: Access;
  /** Who may read its answer to a validated input. */
  readers(input: In): Readers;
  /** The parts' names, in the order of the reply. */
  readonly parts: readonly string[];
  /** The same as the engine runs them. */
  readonly planned: readonly PlannedPart[];
  /** One part alone, within the aggregate's deadline. Rejects where it is required and fails, with a PartFailure. */
  part(name: string, input: In, call: Call): Promise<Landed>;
  /** The parts as they land. Throws what `await aggregate(…)` would reject with; leaving the loop stops the rest. */
  stream(input: In, call: Call): AsyncGenerator<Landed, void, undefined>;
}

/** An aggregate whose answer is the value of its one part. */
export interface Lookup<In, Data, Given = unknown> extends Aggregate<In, Data, Given> {
  readonly sole: true;
}

/** The data an aggregate answers with: `type UserOverview = AnswerTo<ReturnType<typeof userOverview>>`. */
export type AnswerTo<A> = A extends (...args: never) => Promise<Answer<infer Data>> ? Data : never;

interface Spec<In, Data, Given> {
  /** In kebab case: names spans, metrics and log lines. */
  readonly name: string;
  /** One line for a reader of the API's documentation. */
  readonly summary?: string;
  /** Any Standard Schema (zod, valibot, arktype): what is asked, as the parts will see it. Must validate synchronously. */
  readonly input: StandardSchemaV1<Given, In>;
  /** What has not answered by then is missing; a missing required part fails the answer. */
  readonly deadline: Duration;
  /** Who may ask; left out, whom the answer is about: whose token's subject is the input's `user_id`. */
  readonly access?: Access<keyof NoInfer<In> & string>;
  /** Headers of the reply, by their names in lower case, that follow from what was asked and what is answered: a `link` to the next page, another `cache-control` than the usual. */
  readonly headersOf?: (input: NoInfer<In>, data: NoInfer<Data>) => Readonly<Record<string, string>>;
}

export interface AggregateSpec<In, P, Given> extends Spec<In, DataOf<P>, Given> {
  readonly parts: P;
}

export interface LookupSpec<In, Out, Given> extends Spec<In, Seen<Out>, Given> {
  /** What is looked up. Its name in reports is that of the lookup, in snake case. */
  readonly source: Source<NoInfer<In>, Out>;
}

/** How an answer is made of its parts. */
type Making = typeof Answer | typeof SoleAnswer;

/**
 * Several questions asked at the same time under one deadline, answered together.
 * Rejects with a PartFailure where a required part fails, and with the call's reason where the call is stopped.
 * Throws a TypeError at definition for a bad duration or part name.
 */
export function aggregate<In, const P extends Parts<NoInfer<In>>, Given>(spec: AggregateSpec<In, P, Given>): Aggregate<In, DataOf<P>, Given> {
  return defined(spec, spec.parts, Answer);
}

/** An aggregate of one required part, whose answer is that part's value without an object around it. */
export function lookup<In, Out, Given>(spec: LookupSpec<In, Out, Given>): Lookup<In, Seen<Out>, Given> {
  return Object.assign(defined<In, Seen<Out>, Given>(spec, { [spec.name.replaceAll('-', '_')]: spec.source }, SoleAnswer), { sole: true as const });
}

function defined<In, Data, Given>(spec: Spec<In, Data, Given>, parts: Readonly<Record<string, unknown>>, Making: Making): Aggregate<In, Data, Given> {
  const { name, summary, input, deadline, access = ownAccess, headersOf } = spec;
  const deadlineMs = toMs(deadline);
  const planned = planParts(name, parts);
  const names = planned.map((part) => part.name);

  function gather(question: In, call: Call): Promise<Answer<Data>> {
    return new Promise((resolve, reject) => {
      const own = call.within(deadlineMs);
      const done = (landed: readonly Landed[]) => {
        const answered = answerFrom<Data>(Making, names, landed);
        call.flight.fallback = answered;
        resolve(headersOf ? withHeaders(answered, (data) => headersOf(question, data)) : answered);
      };
      new Gathering(planned, own, { done, failed: reject }).start(question);
    });
  }

  // As a part it has a span of its own, for its parts to lie under; as an endpoint the server's span is that.
  function answer(question: In, call: Call): Promise<Answer<Data>> {
    if (call.part === undefined) return gather(question, call);
    return inSpan(name, call, (own) => gather(question, own));
  }

  async function* stream(question: In, call: Call): AsyncGenerator<Landed, void, undefined> {
    using own = call.within(deadlineMs);
    const inbox = new Inbox();
    new Gathering(planned, own, inbox).start(question);
    yield* inbox.read();
  }

  function part(wanted: string, question: In, call: Call): Promise<Landed> {
    return new Promise((resolve, reject) => {
      const one = planned.filter((each) => each.name === wanted);
      new Gathering(one, call.within(deadlineMs), { done: ([landed]) => { resolve(landed!); }, failed: reject }).start(question);
    });
  }

  const readers = (question: In) => readersOf(access, question);
  Object.defineProperty(answer, 'name', { value: name });
  return Object.assign(definedBy(speaks(answer), spec) as typeof answer & { readonly name: string }, { summary, input, deadlineMs, access, readers, parts: names, planned, part, stream });
}

function answerFrom<Data>(Making: Making, names: readonly string[], landed: readonly Landed[]): Answer<Data> {
  const values: unknown[] = [];
  const reports: PartReport[] = [];
  for (let at = 0; at < landed.length; at++) {
    const { value, reports: own } = landed[at]!;
    values.push(value);
    for (let next = 0; next < own.length; next++) reports.push(own[next]!);
  }
  return new Making<Data>(names, values, reports);
}

/** What throws here rejects the answer. */
async function withHeaders<Data>(answer: Answer<Data>, headersOf: (data: Data) => Readonly<Record<string, string>>): Promise<Answer<Data>> {
  if (answer.complete) answer.headers = headersOf(answer.data);
  return answer;
}
