import type { FailureCode } from '../../src/core/failure.ts';

// What an aggregate has to answer, worked out on paper: from when each part would land, with no calls, timers or
// promises. It shares nothing with the engine, so the two agree only if both are right.

export type Outcome = 'answers' | 'not_found' | 'bad_answer' | 'fails' | 'throws';

export interface LeafPlan {
  readonly required: boolean;
  readonly outcome: Outcome;
  /** From the start; Infinity for a source that never answers, 0 for one that throws before it has promised anything. */
  readonly landsAt: number;
}

export interface NestPlan {
  readonly required: boolean;
  readonly deadline: number;
  readonly parts: readonly PartPlan[];
}

export type PartPlan = LeafPlan | NestPlan;

export interface Expected {
  /** When it is over. */
  readonly at: number;
  /** Of what ends it. */
  readonly depth: number;
  /** The parts in the order in which they land, until it is over. */
  readonly landed: readonly Ending[];
  readonly failure?: { readonly code: FailureCode; readonly part: string };
  /** In the order of the definition; only without a failure. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly reports?: readonly ExpectedReport[];
}

export interface ExpectedReport {
  readonly part: string;
  readonly state: 'live' | 'missing';
  readonly tookMs: number;
  readonly code?: FailureCode;
}

/** How a part ends, seen from the aggregate that it is in. */
interface Ending {
  readonly name: string;
  readonly required: boolean;
  readonly at: number;
  /** What ends at the same moment further down needs more turns of the promises to get here. */
  readonly depth: number;
  readonly value: unknown;
  readonly reports: readonly ExpectedReport[];
  readonly failure?: { readonly code: FailureCode; readonly part: string };
}

export const partName = (at: number): string => `p${at}`;
export const otherwise = { instead: true } as const;

const codes: Readonly<Record<Exclude<Outcome, 'answers'>, FailureCode>> = { not_found: 'not_found', bad_answer: 'bad_answer', fails: 'source_failed', throws: 'source_failed' };

export function expected({ deadline, parts }: Omit<NestPlan, 'required'>): Expected {
  const endings = parts.map((part, at) => endingOf(partName(at), part, deadline));
  // A stable sort: of what ends at the same moment and equally deep, the part that is defined first comes first.
  const inOrder = endings.toSorted((a, b) => a.at - b.at || a.depth - b.depth);
  const fatal = inOrder.find(({ failure, required }) => failure && required);
  // At the deadline there is no answer for the others to be missing from, so nothing is said of them.
  const landed = inOrder.slice(0, fatal && inOrder.indexOf(fatal)).filter(({ at }) => !fatal || at < deadline);
  if (fatal) return { at: fatal.at, depth: fatal.depth, failure: fatal.failure!, landed };
  const { at, depth } = inOrder.at(-1)!;
  return {
    at,
    depth,
    landed,
    data: Object.fromEntries(endings.map(({ name, value }) => [name, value])),
    reports: endings.flatMap(({ reports }) => reports),
  };
}

function endingOf(name: string, part: PartPlan, deadline: number): Ending {
  if ('outcome' in part) {
    const own = leafEnding(name, part);
    return own.at < deadline ? own : missing(name, part, deadline, 'deadline_exceeded', name);
  }
  const own = nestEnding(name, { ...part, deadline: Math.min(part.deadline, deadline) });
  if (own.at < deadline) return own;
  // Stopped by the same deadline, a nested aggregate still answers with what it has by then, if that is an answer.
  return own.failure ? missing(name, part, deadline, 'deadline_exceeded', name) : { ...own, depth: 0 };
}

function leafEnding(name: string, part: LeafPlan): Ending {
  const { outcome, landsAt } = part;
  if (outcome !== 'answers') return missing(name, part, landsAt, codes[outcome], name);
  return { name, required: part.required, at: landsAt, depth: 0, value: { landed: landsAt }, reports: [{ part: name, state: 'live', tookMs: landsAt }] };
}

function nestEnding(name: string, part: NestPlan): Ending {
  const { at, failure, data, reports = [], ...ending } = expected(part);
  const depth = ending.depth + 1;
  if (failure) return { ...missing(name, part, at, failure.code, `${name}.${failure.part}`), depth };
  const nested = reports.map((report) => ({ ...report, part: `${name}.${report.part}` }));
  return { name, required: part.required, at, depth, value: data, reports: [{ part: name, state: 'live', tookMs: at }, ...nested] };
}

const missing = (name: string, { required }: PartPlan, at: number, code: FailureCode, blamed: string): Ending =>
  ({ name, required, at, depth: 0, value: otherwise, reports: [{ part: name, state: 'missing', tookMs: at, code }], failure: { code, part: blamed } });
