import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 50;
const ONE_TRY_MS = 1_000;

/** Waits until `url` answers 200. Rejects after `limitMs` with what it got last, or as soon as `signal` ends the waiting. */
export async function untilOk(url: string, limitMs: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + limitMs;
  let last = 'nothing';
  while (performance.now() < deadline) {
    last = await ask(url, signal);
    signal.throwIfAborted();
    if (last === '200') return;
    await pause(POLL_MS, undefined, { signal });
  }
  throw new Error(`expected 200 from ${url} within ${limitMs / 1_000} s, but got ${last}`);
}

/** One try that ends after a second or with `signal`, whichever is first. */
async function ask(url: string, signal: AbortSignal): Promise<string> {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(new Error(`no answer within ${ONE_TRY_MS} ms`)), ONE_TRY_MS);
  const leave = () => giveUp.abort(signal.reason);
  signal.addEventListener('abort', leave);
  try {
    const response = await fetch(url, { signal: giveUp.signal });
    const body = await response.text();
    return response.status === 200 ? '200' : `${response.status} ${body.slice(0, 300)}`.trim();
  } catch (error) {
    return describe(error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  }
}

function describe(error: unknown): string {
  // fetch says "fetch failed" and keeps what happened in the cause.
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
