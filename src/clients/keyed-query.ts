import type { Call } from '../core/call.ts';
import type { Failure } from '../core/failure.ts';
import type { JsonText } from '../core/json-text.ts';
import { AskedKeys, asItIs, type KeyForm, keyForm } from './key-form.ts';
import { sqlStateOf } from './postgres-failure.ts';
import type { Row, Sql, Statement } from './sql.ts';

/**
 * A statement that answers for many keys: it takes them as its one parameter, an array, and gives rows of
 * `(key::text, json::text)`. It fits key columns of every type, integer, bigint, uuid or text, of a schema that it did not make.
 */
export class KeyedQuery<T> {
  readonly #sql: Sql;
  readonly table: string;
  readonly #column: string;
  readonly #statement: Statement;
  /** Of the key column; null if its type is not one that we know, undefined as long as nobody has asked. */
  #form: KeyForm | null | undefined;

  /** @param column 'table.column', or 'schema.table.column', whose type says which keys there can be. @param text for example `select id::text, data::jsonb::text from users where id = any($1)`. */
  constructor(sql: Sql, column: `${string}.${string}`, text: string) {
    const dot = column.lastIndexOf('.');
    const table = column.slice(0, dot);
    this.#sql = sql;
    this.table = table;
    this.#column = column.slice(dot + 1);
    this.#statement = { summary: `SELECT ${table}`, text };
  }

  /**
   * What a cached answer for this key is invalidated by: `users:7`, as the triggers of docs/db-notify.md name it, for '007'
   * too. Undefined as long as the type of the column has not been learned.
   */
  tagsOf(key: string): readonly string[] | undefined {
    if (this.#form === undefined) return undefined;
    return [`${this.table}:${this.#form?.(key) ?? key}`];
  }

  /** Learns the type of the key column ahead of the first question. */
  async learn(call: Call): Promise<void> {
    if (this.#form === undefined) await this.#learnForm(call);
  }

  /** The answers by key. What is not there, or could not be, is left out. Rejects as `rows` does. */
  async load(keys: readonly string[], call: Call): Promise<Map<string, JsonText<T>>> {
    await this.learn(call);
    const asked = new AskedKeys(keys, this.#form ?? asItIs);
    return asked.stored.length === 0 ? new Map<string, JsonText<T>>() : asked.answers(await this.#rows(asked.stored, call));
  }

  async #rows(keys: readonly string[], call: Call): Promise<readonly Row[]> {
    try {
      return await this.#sql.rows(this.#statement, [keys], call);
    } catch (error) {
      const state = sqlStateOf((error as Failure).cause);
      // A column of a type that we do not know, and a key that it cannot hold: nothing is stored under that.
      if (!this.#form && keys.length === 1 && (state === '22P02' || state === '22003')) return [];
      throw error;
    }
  }

  /**
   * Asked once per process: a key that the column cannot hold is then dropped before the statement. Otherwise each
   * request for such a key would cost everybody in its batch a failed statement and its repetition in halves.
   */
  async #learnForm(call: Call): Promise<void> {
    const rows = await this.#sql.rows(columnType, [this.table, this.#column], call);
    const type = rows[0]?.[0];
    // A table that is not there yet is asked for again.
    if (type) this.#form = keyForm(type) ?? null;
  }
}

const columnType: Statement = {
  summary: 'SELECT pg_attribute',
  text: `select atttypid::regtype::text from pg_catalog.pg_attribute where attrelid = to_regclass($1) and attname = $2 and not attisdropped`,
};
