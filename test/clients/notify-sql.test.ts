import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { installSql, parseKeyColumn, parseNotice, uninstallSql } from '../../src/clients/notify-sql.ts';

describe('a key column', () => {
  test.each([
    ['users.id', 'users', 'id'],
    ['shop.users.id', 'shop.users', 'id'],
    ['Order.select', 'Order', 'select'],
    ["it's.naïve$1", "it's", 'naïve$1'],
    [`${'t'.repeat(48)}.${'é'.repeat(31)}`, 't'.repeat(48), 'é'.repeat(31)],
    [`${'s'.repeat(63)}.t.id`, `${'s'.repeat(63)}.t`, 'id'],
  ])('%s is read', (text, table, column) => {
    expect(parseKeyColumn(text)).toEqual({ table, column });
  });

  test.each([
    '', 'users', 'users.', '.id', 'users..id', 'db.shop.users.id', '"users".id', 'users."id"', 'us ers.id', 'users.i\nd', 'users.i\u0000d', 'a:b.id', 'a,b.id',
    `${'t'.repeat(64)}.id`, `users.${'é'.repeat(32)}`,
  ])('%j is refused, and said what was expected', (text) => {
    expect(() => parseKeyColumn(text)).toThrow(new TypeError(`expected table.column or schema.table.column, names as the catalog has them, but got ${JSON.stringify(text)}`));
  });
});

test('a table with so long a name that the function named after it would be cut off is refused', () => {
  expect(() => parseKeyColumn(`${'t'.repeat(49)}.id`)).toThrow(new TypeError(`expected a table's name of 48 bytes at most, but got "${'t'.repeat(49)}"`));
});

describe('a notification', () => {
  test.each([
    ['users:42 1234-1700000000000000', 'users:42', '1234-1700000000000000'],
    ['shop.users:* 1-2', 'shop.users:*', '1-2'],
    ['users: 1-2', 'users:', '1-2'],
    ['users:a b  1-2', 'users:a b ', '1-2'],
    ['users:7 1-2 3-4', 'users:7 1-2', '3-4'],
    ['users:a:b\n\'"c 1-2', 'users:a:b\n\'"c', '1-2'],
  ])('%j is ours', (payload, tag, token) => {
    expect(parseNotice(payload)).toEqual({ tag, token });
  });

  test.each(['', 'hello', '1-2', ' 1-2', 'users 1-2', ':42 1-2', 'users:42', 'users:42 ', 'users:42 1-', 'users:42 12', 'users:42 1-2 ', 'users:42 1-2\n', 'users:42 0x1-2', '{"table":"users"}'])('%j is not', (payload) => {
    expect(parseNotice(payload)).toBeUndefined();
  });

  test('whatever the key, what comes out is what was put in', () => {
    const table = fc.constantFrom('users', 'shop.users', "it's");
    fc.assert(fc.property(table, fc.string({ unit: 'binary' }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(), (table, key, xid, time) => {
      expect(parseNotice(`${table}:${key} ${xid}-${time}`)).toEqual({ tag: `${table}:${key}`, token: `${xid}-${time}` });
    }));
  });
});

describe('the statements', () => {
  test('names are quoted as what they are: identifiers, and the text that tags begin with', () => {
    const sql = installSql({ table: "Sho'p.Or\\der", column: "se'lect" });
    expect(sql).toContain(`select "se'lect"::text from "Sho'p"."Or\\der" limit 0;`);
    expect(sql).toContain(`create or replace function "Sho'p"."tributary_gone_Or\\der"()`);
    expect(sql).toContain(`text :=  E'Sho''p.Or\\\\der:';`);
    expect(sql.split(`on "Sho'p"."Or\\der" referencing`)).toHaveLength(4);
    expect(sql.split(`for each statement execute function "Sho'p"."tributary_gone_Or\\der"();`)).toHaveLength(5);
  });

  test('no name ends the text of the function', () => {
    const sql = installSql({ table: 'a$tributary$b', column: '$tributary_$' });
    const [mark] = /(?<= as )\$\w+\$$/m.exec(sql) ?? [];
    expect(mark).toBe('$tributary__$');
    expect(sql.split('$tributary__$')).toHaveLength(3);
  });

  test('what is installed is what is uninstalled', () => {
    const made = [...installSql({ table: 'users', column: 'id' }).matchAll(/create trigger (\S+)/g)].map(([, name]) => name);
    expect(made).toEqual(['tributary_gone_insert', 'tributary_gone_update', 'tributary_gone_delete', 'tributary_gone_truncate']);
    expect(installSql({ table: 'users', column: 'id' })).toContain('create or replace function "tributary_gone_users"()');
    expect(uninstallSql({ table: 'users', column: 'id' })).toContain('drop function if exists "tributary_gone_users"();');
    const dropped = [...uninstallSql({ table: 'users', column: 'id' }).matchAll(/drop trigger if exists (\S+)/g)].map(([, name]) => name);
    expect(dropped).toEqual(made);
  });
});
