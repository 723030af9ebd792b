import type { Socket } from 'node:net';
import type { ClientBase, PoolClient } from 'pg';
import type { Call } from '../core/call.ts';
import { Failure } from '../core/failure.ts';
import { Cancellation } from './postgres-cancel.ts';
import { isConnectionLost, queryFailure } from './postgres-failure.ts';
import { addressOf, type Statements } from './postgres-statements.ts';
import type { Row, Statement } from './sql.ts';

/** The statements of one transaction, one after the other. */
export interface Transaction {
  /** As `Sql.rows`, for the transaction's call. After one that failed there is nothing left but to fail. */
  readonly rows: (statement: Statement, values: readonly unknown[]) => Promise<readonly Row[]>;
}

export interface TransactionOptions {
  /** As clients of the API will read it in problems. */
  readonly name: string;
  readonly statements: Statements;
  /** How long `commit` and `rollback` may take: they are not cancelled, since then nobody could say what has become of them. */
  readonly endMs: number;
  /** As in `PoolOptions`. */
  readonly cancelMs: number | undefined;
}

/**
 * Work between `begin` and `commit` on a connection, which is given back. It is committed if `work` resolves before the
 * call is stopped, and rolled back in every other case; `outcome_unknown` says that the answer to `commit` was lost.
 */
export async function inTransaction<T>(client: PoolClient, call: Call, options: TransactionOptions, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  const { name, statements } = options;
  const cancellation = new Cancellation(client, options.cancelMs);
  let usable = false;
  const rows = (statement: Statement, values: readonly unknown[]) => statements.recorded(statement, call.trace, async (span) => {
    span?.setAttributes(addressOf(client));
    call.throwIfOver();
    try {
      return await statements.run(client, statement, values);
    } catch (error) {
      throw call.reason ?? queryFailure(name, error as Error);
    }
  });
  try {
    // A call may be stopped in the moment between being given a connection and using it.
    call.throwIfOver();
    call.listen(cancellation);
    await rows(begin, []);
    const answer = await work({ rows });
    call.throwIfOver();
    call.unlisten(cancellation);
    await statements.recorded(commit, call.trace, () => committed(client, options));
    usable = true;
    return answer;
  } catch (error) {
    call.unlisten(cancellation);
    usable = (await cancellation.through()) && (await rolledBack(client, options));
    throw error;
  } finally {
    client.release(!usable);
  }
}

/** Whatever the database's default: each statement sees what was committed before it, so what is read after a lock was taken is true. */
const begin: Statement = { summary: 'BEGIN', text: 'begin isolation level read committed' };
const commit: Statement = { summary: 'COMMIT', text: 'commit' };

async function committed(client: ClientBase, { name, endMs }: TransactionOptions): Promise<readonly Row[]> {
  try {
    const { command } = await within(endMs, client, commit.text);
    // What Postgres answers where a statement had failed before.
    if (command !== 'COMMIT') throw new TypeError(`expected COMMIT, but got ${command}: a statement had failed, and the work went on`);
    return [];
  } catch (error) {
    if (error instanceof TypeError) throw error;
    if (!isConnectionLost(error)) throw queryFailure(name, error as Error);
    throw new Failure('outcome_unknown', `the connection to ${name} was lost in the moment of the change: it may have been made or not`, { cause: error });
  }
}

/** False if the connection is of no use any more: then it is closed, which rolls back as well. */
const rolledBack = (client: ClientBase, { endMs }: TransactionOptions): Promise<boolean> =>
  within(endMs, client, 'rollback').then(() => true, () => false);

/** Who does not answer in time is hung up on, and the statement rejects. */
async function within(ms: number, client: ClientBase, text: string) {
  const { stream } = (client as ClientBase & { readonly connection: { readonly stream: Socket } }).connection;
  const timer = setTimeout(() => { stream.destroy(); }, ms);
  try {
    return await client.query(text);
  } finally {
    clearTimeout(timer);
  }
}
