import { createPostgres, type Postgres, type PostgresOptions } from '../../src/clients/postgres.ts';
import type { Row, Statement } from '../../src/clients/sql.ts';
import { type Call, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';

/** A client under test, with what it told of connections that broke. `await using` closes it. */
export interface Connected extends Postgres, AsyncDisposable {
  readonly lost: readonly Error[];
  /** One value of one row, on a call of its own. */
  value(text: string, ...values: readonly unknown[]): Promise<string | null | undefined>;
}

/** Patient where a test does not say otherwise: on a busy machine a connection may take its time, and so may a cancel. */
export function connectPostgres(url: string, options: Partial<PostgresOptions> = {}): Connected {
  const lost: Error[] = [];
  const postgres = createPostgres({
    name: 'the user database',
    url,
    poolSize: 1,
    poolWaitMs: 5_000,
    statementTimeoutMs: 10_000,
    cancelMs: 4_000,
    onConnectionLost: (error) => { lost.push(error); },
    ...options,
  });
  const ask = (text: string, values: readonly unknown[], call: Call): Promise<readonly Row[]> => postgres.rows(statement(text), values, call);
  return {
    lost,
    rows: (...question) => postgres.rows(...question),
    jsonByKey: (...question) => postgres.jsonByKey(...question),
    transaction: (...question) => postgres.transaction(...question),
    tables: postgres.tables,
    warm: (call) => postgres.warm(call),
    check: (call) => postgres.check(call),
    close: () => postgres.close(),
    [Symbol.asyncDispose]: () => postgres.close(),
    async value(text, ...values) {
      using call = startCall(10_000);
      return (await ask(text, values, call))[0]?.[0];
    },
  };
}

export const statement = (text: string): Statement => ({ summary: 'SELECT test', text });

/** Its backend, so that a test can tell whether two queries shared a connection. */
export const backend = 'select pg_backend_pid()::text';

/** Longer than any test: it ends only by being cancelled. */
export const sleeping = statement('select pg_sleep(60)::text');

/** Why a caller goes away. */
export const gone = new Failure('client_gone', 'the client went away');
