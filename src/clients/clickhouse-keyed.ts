import type { Call } from '../core/call.ts';
import type { JsonText } from '../core/json-text.ts';
import { AskedKeys, asItIs, clickHouseKeyForm, type KeyForm } from './key-form.ts';
import type { Row, Statement } from './sql.ts';

type Rows = (statement: Statement, parameters: Readonly<Record<string, unknown>>, call: Call) => Promise<readonly Row[]>;

/** A statement that answers for many keys. The type of the key column is learned once, since ClickHouse wants to be told it with the keys. */
export class ClickHouseKeyed<T> {
  readonly table: string;
  readonly #rows: Rows;
  readonly #column: string;
  readonly #text: string;
  #learned: { readonly statement: Statement; readonly form: KeyForm; readonly sent: (keys: readonly string[]) => readonly unknown[] } | undefined;

  constructor(rows: Rows, column: `${string}.${string}`, text: string) {
    const [table = '', name = ''] = column.split('.');
    this.table = table;
    this.#rows = rows;
    this.#column = name;
    this.#text = text;
  }

  tagsOf(key: string): readonly string[] | undefined {
    return this.#learned && [`${this.table}:${this.#learned.form(key) ?? key}`];
  }

  async learn(call: Call): Promise<void> {
    if (!this.#learned) await this.#learn(call);
  }

  async load(keys: readonly string[], call: Call): Promise<Map<string, JsonText<T>>> {
    const { statement, form, sent } = this.#learned ?? await this.#learn(call);
    const asked = new AskedKeys(keys, form);
    return asked.stored.length === 0 ? new Map<string, JsonText<T>>() : asked.answers<T>(await this.#rows(statement, { keys: sent(asked.stored) }, call));
  }

  async #learn(call: Call) {
    const rows = await this.#rows(columnType, { table: this.table, column: this.#column }, call);
    // A table that is not there yet is asked for again, and its absence is what the statement then says.
    const type = plainType(rows[0]?.[0] ?? 'String');
    const statement = { summary: `SELECT ${this.table}`, text: this.#text.replace('{keys}', `{keys:Array(${type})}`) };
    // Numbers must not come in quotes, nor go through a double.
    const sent = (keys: readonly string[]): readonly unknown[] => (/^U?Int/.test(type) ? keys.map(BigInt) : keys);
    const learned = { statement, form: clickHouseKeyForm(type) ?? asItIs, sent };
    if (rows.length > 0) this.#learned = learned;
    return learned;
  }
}

const columnType: Statement = {
  summary: 'SELECT system.columns',
  text: 'select type from system.columns where database = currentDatabase() and table = {table:String} and name = {column:String}',
};

/** Null values and dictionaries are how a column stores, not what. */
const plainType = (type: string): string => type.replace(/^LowCardinality\((.*)\)$/, '$1').replace(/^Nullable\((.*)\)$/, '$1');
