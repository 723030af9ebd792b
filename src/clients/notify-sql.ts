import { escapeIdentifier, escapeLiteral } from 'pg';
import type { Statement } from './sql.ts';

/** Where changes are told: Postgres's channel. What is installed begins with the same name. */
export const channel = 'tributary_gone';

/** A table whose changes are told, and the column that its rows are known by. */
export interface KeyColumn {
  /** As it begins the tags: 'users', or 'shop.users'. */
  readonly table: string;
  readonly column: string;
}

/** A change that somebody committed. */
export interface Notice {
  /** `<table>:<key>`, the key as Postgres prints it, or `<table>:*` for all of the table. */
  readonly tag: string;
  /** Of the transaction that changed it: the same for all its notices and all who hear them, and no other's, ever. */
  readonly token: string;
}

/** Postgres cuts longer names off, silently. Of a table it is the name of the function, which has the table's in it. */
const nameBytesMax = 63;

/** Reads 'users.id' or 'shop.users.id', names as the catalog has them. Throws a TypeError. */
export function parseKeyColumn(text: string): KeyColumn {
  const names = text.split('.');
  const [column = '', table = ''] = names.toReversed();
  if (names.length < 2 || names.length > 3 || !names.every(isName)) {
    throw new TypeError(`expected table.column or schema.table.column, names as the catalog has them, but got ${JSON.stringify(text)}`);
  }
  if (!isName(ours(table))) throw new TypeError(`expected a table's name of ${nameBytesMax - ours('').length} bytes at most, but got ${JSON.stringify(table)}`);
  return { table: names.slice(0, -1).join('.'), column };
}

// Dots, commas and colons have a meaning around names; whoever writes double quotes expects them to have one too.
const isName = (name: string): boolean => /^[^\s\p{Cc}.,:"]+$/u.test(name) && Buffer.byteLength(name) <= nameBytesMax;

/** What a notification says, or undefined if it is not one of ours: the channel is open to everybody. */
export function parseNotice(payload: string): Notice | undefined {
  // Keys may have spaces in them, and tokens have none: the last one is where the token begins.
  const [, tag, token] = /^([^:]+:[^]*) (\d+-\d+)$/.exec(payload) ?? [];
  return tag !== undefined && token !== undefined ? { tag, token } : undefined;
}

/** Statements that make every change of a table known, to be run as one transaction; run again, they change nothing. */
export function installSql({ table, column }: KeyColumn): string {
  const on = quoted(table);
  return `
${notTwiceAtOnce}
do $tributary$
begin
  if current_setting('server_version_num')::int < 130000 then
    raise exception 'expected PostgreSQL 13 or later, but got %', current_setting('server_version');
  end if;
end
$tributary$;
-- Fails here if the column is not there, and not at every write from now on.
select ${escapeIdentifier(column)}::text from ${on} limit 0;
create or replace function ${functionFor(table)}() returns trigger
  language plpgsql security invoker set search_path = pg_catalog, pg_temp as ${fenced(functionBody(table, column))};
${dropTriggers(on)}
${events.map(({ event, transition }) => `create trigger ${ours(event)} after ${event} on ${on}${transition}
  for each statement execute function ${functionFor(table)}();`).join('\n')}`.trim();
}

/** Statements that undo `installSql`, to be run as one transaction; where nothing is installed, they change nothing. */
export function uninstallSql({ table }: KeyColumn): string {
  return `
${notTwiceAtOnce}
${dropTriggers(quoted(table))}
drop function if exists ${functionFor(table)}();`.trim();
}

/** One trigger for each event: Postgres gives transition tables to no trigger of several. */
const events = [
  { event: 'insert', transition: ' referencing new table as tributary_new' },
  { event: 'update', transition: ' referencing old table as tributary_old new table as tributary_new' },
  { event: 'delete', transition: ' referencing old table as tributary_old' },
  { event: 'truncate', transition: '' },
] as const;

// A writer that has the table must not make all readers queue up behind this, and two installers must not meet in the catalog.
const notTwiceAtOnce = `set local lock_timeout = '5s';
select pg_advisory_xact_lock(hashtext('${channel}'));`;

const dropTriggers = (on: string): string =>
  events.map(({ event }) => `drop trigger if exists ${ours(event)} on ${on};`).join('\n');

function ours(name: string): string {
  return `${channel}_${name}`;
}

const quoted = (name: string): string => name.split('.').map(escapeIdentifier).join('.');

/**
 * Each table has a function of its own, beside it. Of one function for all, the statements would have to be put together at
 * each write, which takes three times as long, and it would belong to one role while tables belong to several.
 */
function functionFor(table: string): string {
  const [name = '', ...schema] = table.split('.').toReversed();
  return [...schema, ours(name)].map(escapeIdentifier).join('.');
}

/** Text between marks that are not in it, whatever names it has in it. */
function fenced(text: string): string {
  let mark = 'tributary';
  while (text.includes(`$${mark}$`)) mark += '_';
  return `$${mark}$${text}$${mark}$`;
}

/** One key more than are told one by one, so that it can be seen whether there were more. */
const keysOf = (rows: string): string =>
  `select array_agg(key) into keys from (select distinct key collate "C" as key from (${rows}) changed where key is not null limit 101) keys;`;

/**
 * The time is in it beside the transaction's id, since a database restored from a backup counts the ids again from there.
 */
const token = `pg_current_xact_id()::text || '-' || (extract(epoch from transaction_timestamp()) * 1000000)::bigint`;

/** The token that the notices of this transaction will have. */
export const transactionToken: Statement = { summary: 'SELECT', text: `select ${token}` };

/**
 * What tells of a change: it runs as whoever writes and needs no rights of its own.
 *
 * Keys are told apart byte by byte (collate "C"): in a collation that ignores case, 'a' would hide 'A'.
 * 7,999 bytes is the longest payload that Postgres takes.
 */
function functionBody(table: string, column: string): string {
  const key = `changed.${escapeIdentifier(column)}`;
  return `
declare
  prefix constant text := ${escapeLiteral(`${table}:`)};
  keys text[] := '{*}';
  token text;
begin
  begin
    if tg_op = 'INSERT' then
      ${keysOf(`select ${key}::text as key from tributary_new changed`)}
    elsif tg_op = 'UPDATE' then
      ${keysOf(`select ${key}::text as key from tributary_old changed union all select ${key}::text from tributary_new changed`)}
    elsif tg_op = 'DELETE' then
      ${keysOf(`select ${key}::text as key from tributary_old changed`)}
    end if;
  exception when undefined_column then
    null; -- The column was renamed or dropped since. No write may fail for that: the whole table is told.
  end;
  if keys is null then
    return null; -- Not one row was changed, which costs nothing: not even a transaction id.
  end if;
  token := ' ' || ${token};
  if cardinality(keys) > 100 or (select max(octet_length(prefix || key || token)) from unnest(keys) as key) > 7999 then
    keys := '{*}';
  end if;
  perform pg_notify('${channel}', prefix || key || token) from unnest(keys) as key;
  return null;
end
`;
}
