import type { Call } from '../core/call.ts';

/** A statement with its summary, such as 'SELECT users': a span's name (OTel semconv, `db.query.summary`). */
export interface Statement {
  readonly summary: string;
  readonly text: string;
}

/** Columns as Postgres printed them: statements cast to text what they select. */
export type Row = readonly (string | null)[];

export interface Sql {
  /**
   * Runs a statement, prepared once per connection. Rejects with a Failure: `overloaded`, `source_failed`,
   * `deadline_exceeded`, or the call's reason; by then the query has ended in Postgres too.
   */
  rows(statement: Statement, values: readonly unknown[], call: Call): Promise<readonly Row[]>;
}
