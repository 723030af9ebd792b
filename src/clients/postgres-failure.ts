import { Failure } from '../core/failure.ts';

/** The five characters of a SQLSTATE (PostgreSQL, appendix A), if the server said them. Each has a digit, which EPIPE has not. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** A connection that answered with a plain SQL error is as good as before; one that broke, or that the server ended, is not. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  // 08: connection exceptions; 57P01 to 57P05: the server shuts down, crashed, drops idle sessions; 25P03: a transaction stood idle.
  return state === undefined ? !(error instanceof Failure) : state.startsWith('08') || state.startsWith('57P') || state === '25P03';
}

/**
 * Another server may do better than the one that connecting failed at. Not where it answered, as libpq has it: a wrong password
 * is wrong everywhere. But for 57P03: it starts, or ends, or is a standby that takes nobody.
 */
export function isServersFault(error: unknown): boolean {
  if (error instanceof Failure || isLackOfRoom(error)) return false;
  const state = sqlStateOf(error);
  return state === undefined || state === '57P03';
}

/** pg-pool has no code for it. */
const isLackOfRoom = (error: unknown): boolean => error instanceof Error && error.message === 'timeout exceeded when trying to connect';

export function connectFailure(name: string, cause: Error): Failure {
  // 53300: the server has no connection left.
  if (isLackOfRoom(cause) || sqlStateOf(cause) === '53300') {
    return new Failure('overloaded', `no connection to ${name} became free in time`, { cause, retryAfterMs: 1_000 });
  }
  return new Failure('source_failed', `${name} could not be reached`, { cause });
}

export function queryFailure(name: string, cause: Error): Failure {
  const state = sqlStateOf(cause) ?? '';
  // Cancelled, though not by us: statement_timeout or an administrator. 55P03: lock_timeout.
  if (state === '57014' || state === '55P03') return new Failure('deadline_exceeded', `${name} gave up on a query`, { cause });
  if (state.startsWith('53')) return new Failure('overloaded', `${name} is out of resources`, { cause, retryAfterMs: 1_000 });
  // 22: data exceptions. One value among those asked for may be to blame, so halves may fare better.
  if (state.startsWith('22')) return new Failure('source_failed', `${name} could not work with a value`, { cause, divisible: true });
  return new Failure('source_failed', `a query of ${name} failed`, { cause });
}
