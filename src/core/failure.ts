/**
 * Why there is no answer, in one word that never changes: it is part of the HTTP contract (docs/problems.md).
 * `call_over` and `client_gone` are endings, not faults: nobody is waiting for the answer any more.
 */
export type FailureCode =
  | 'bad_request'
  | 'invalid_input'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'precondition_failed'
  | 'idempotency_key_reused'
  | 'request_timeout'
  | 'payload_too_large'
  | 'uri_too_long'
  | 'unsupported_media_type'
  | 'expectation_failed'
  | 'headers_too_large'
  | 'rate_limited'
  | 'source_failed'
  | 'bad_answer'
  | 'overloaded'
  | 'keys_unavailable'
  | 'source_resting'
  | 'unavailable'
  | 'deadline_exceeded'
  | 'outcome_unknown'
  | 'client_gone'
  | 'call_over'
  | 'internal_error';

export interface FailureOptions {
  /** What really happened, for logs and traces. It never reaches a client. */
  readonly cause?: unknown;
  /** Perhaps only one question of a batch is to blame: the batch is asked again in halves. */
  readonly divisible?: boolean;
  /** No part of an answer has come, so that to ask again cannot repeat anything: a retry may fare better. */
  readonly retryable?: boolean;
  /** How long a caller should wait before it tries again. */
  readonly retryAfterMs?: number;
}

/**
 * The one error of the engine. Its message is written for the client, so it never quotes an upstream, SQL or a
 * stack; whatever a driver said is the `cause`.
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly divisible: boolean;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: FailureCode, message: string, { cause, divisible = false, retryable = false, retryAfterMs }: FailureOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.divisible = divisible;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A required part failed, and with it the whole answer: the failure, and the part's name (dotted where it is nested). */
export class PartFailure extends Failure {
  readonly part: string;

  constructor(part: string, why: Failure) {
    super(why.code, why.message, {
      cause: why.cause ?? why,
      ...(why.retryAfterMs === undefined ? {} : { retryAfterMs: why.retryAfterMs }),
    });
    this.part = part;
  }
}

/** Anything thrown, as a Failure. What is none was not foreseen: its own words stay inside, as the cause. */
export function failureOf(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure('source_failed', 'the source failed', { cause: error });
}
