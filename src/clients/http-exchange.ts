import { isUtf8 } from 'node:buffer';
import type { Dispatcher } from 'undici';
import { type Call, Listener } from '../core/call.ts';
import { Failure } from '../core/failure.ts';

export interface Reply {
  readonly status: number;
  /** Empty unless the status is 200: what an upstream says about its errors is not for our callers. */
  readonly body: string;
  /** The header of this name, as it came. */
  readonly retryAfter: string | undefined;
}

/**
 * One request and its reply, as undici's dispatcher tells it. Not `pool.request`: its body is a stream and its end an
 * AbortSignal, and both are made for each request; this collects a few chunks and hears of the end from the call.
 */
export class Exchange extends Listener implements Dispatcher.DispatchHandler {
  readonly #name: string;
  readonly #safe: boolean;
  readonly #call: Call;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (reason: Failure) => void;
  /** Once, when undici has let go of the request, or nobody wants it any more before it was sent. */
  readonly #closed: (exchange: Exchange) => void;
  /** undici has it. */
  sent = false;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #reason: Failure | undefined;
  /** 0 until the head of a response has come. */
  #status = 0;
  #retryAfter: string | undefined;

  /** @param safe Whether what was sent may be sent again, though nobody knows what has come of it. */
  constructor(
    name: string,
    safe: boolean,
    call: Call,
    resolve: (reply: Reply) => void,
    reject: (reason: Failure) => void,
    closed: (exchange: Exchange) => void,
  ) {
    super();
    this.#name = name;
    this.#safe = safe;
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#closed = closed;
    call.listen(this);
  }

  /** The call was stopped: nobody waits, and the request ends, or does not start once it has a connection. */
  override stopped(reason: Failure): void {
    this.#abandon(reason);
    if (!this.sent) this.#closed(this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#reason) controller.abort(this.#reason);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    this.#status = status;
    const retryAfter = headers['retry-after'];
    if (typeof retryAfter === 'string') this.#retryAfter = retryAfter;
    const encoding = headers['content-encoding'];
    if (status === 200 && encoding !== undefined && encoding !== 'identity') {
      // We never ask for one. Inflating it uninvited is how a small body becomes a large one.
      this.#abandon(new Failure('bad_answer', `${this.#name} answered in an encoding that was not asked for`));
    }
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#status === 200) this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#close();
    if (this.#reason) return;
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    if (!isUtf8(bytes)) return this.#reject(new Failure('bad_answer', `${this.#name} answered with what is not UTF-8`));
    this.#resolve({ status: this.#status, body: bytes.toString(), retryAfter: this.#retryAfter });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#close();
    if (!this.#reason) this.#reject(broken(this.#name, error, this.#safe && this.#status === 0));
  }

  #abandon(reason: Failure): void {
    this.#reason = reason;
    this.#call.unlisten(this);
    this.#reject(reason);
    this.#controller?.abort(reason);
  }

  #close(): void {
    this.#call.unlisten(this);
    this.#closed(this);
  }
}

/** What ends a connection, or keeps one from being made, for reasons that another one may not have. */
const passing: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT',
]);

function broken(name: string, cause: Error & { readonly code?: unknown }, repeatable: boolean): Failure {
  if (cause.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return new Failure('bad_answer', `${name} answered with more than 1 MiB`, { cause });
  // Not every one of undici's parser errors has a code of its own.
  if (cause.name === 'HTTPParserError') return new Failure('bad_answer', `${name} answered with what is not HTTP`, { cause });
  return new Failure('source_failed', `the connection to ${name} failed`, { cause, retryable: repeatable && passing.has(cause.code) });
}
