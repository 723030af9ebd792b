import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { createDatabase, type Database, query } from '../support/postgres.ts';
import { bounded } from '../support/until.ts';
import { closedPort } from '../support/upstream.ts';
import { seedDatabase } from './gateway.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A second where nothing else runs. */
const runMs = 90_000;

interface Ended {
  readonly code: number | null;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** Runs the command as `npm run db:notify` does, with this environment and nothing of ours. */
async function run(environment: Readonly<Record<string, string>>, ...options: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['src/notify.ts', ...options], { cwd: root, env: { PATH: process.env['PATH'], ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => { child.kill('SIGKILL'); };
  // A test that is given up by its runner ends nothing.
  process.once('exit', end);
  try {
    const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
    const [[code], out, err] = await bounded(ended, () => 'expected the command to end', runMs);
    return { code: code as number | null, out: lines(out), err: lines(err) };
  } finally {
    process.off('exit', end);
    end();
  }
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

const installed = async ({ url }: Database) =>
  (await query(url, `select distinct tgrelid::regclass::text as name from pg_trigger where tgname like 'tributary_gone_%' order by 1`)).map((row) => row['name']);

const usage = 'usage: npm run db:notify -- [--tables users.id,analytics.user_id,products.id] [--uninstall] [--print]';

/** With all tables that are told of unless others are named. */
async function wholeDatabase(): Promise<Database> {
  const database = await seedDatabase();
  await query(database.url, 'create table products (id uuid)');
  return database;
}

let elsewhere: Database;
beforeAll(async () => { elsewhere = await createDatabase(); });
afterAll(async () => { await elsewhere.drop(); });

// Each starts processes, which takes most of its time: they start together.
describe.concurrent('npm run db:notify', () => {
  test('installs, and uninstalls, table by table', async ({ expect }) => {
    await using database = await wholeDatabase();
    const environment = { DATABASE_URL: database.url };
    const out = ['users (DATABASE_URL): changes are told on tributary_gone, by id', 'analytics (DATABASE_URL): changes are told on tributary_gone, by user_id', 'products (DATABASE_URL): changes are told on tributary_gone, by id'];
    const done = { code: 0, out, err: [] };
    expect(await run(environment)).toEqual(done);
    expect(await installed(database)).toEqual(['analytics', 'products', 'users']);
    expect(await run(environment)).toEqual(done);
    expect(await run(environment, '--uninstall', '--tables', 'users.id')).toEqual({ code: 0, out: ['users (DATABASE_URL): changes are not told any more'], err: [] });
    expect(await installed(database)).toEqual(['analytics', 'products']);
    expect(await run(environment, '--uninstall')).toMatchObject({ code: 0, err: [] });
    expect(await installed(database)).toEqual([]);
  });

  test('looks for analytics where they are', async ({ expect }) => {
    await using users = await createDatabase();
    await using analytics = await createDatabase();
    await query(users.url, 'create table users (id integer); create table products (id uuid)');
    await query(analytics.url, 'create table analytics (user_id integer)');
    expect(await run({ DATABASE_URL: users.url, ANALYTICS_URL: analytics.url })).toEqual({
      code: 0, out: ['users (DATABASE_URL): changes are told on tributary_gone, by id', 'products (DATABASE_URL): changes are told on tributary_gone, by id', 'analytics (ANALYTICS_URL): changes are told on tributary_gone, by user_id'], err: [],
    });
    expect([await installed(users), await installed(analytics)]).toEqual([['products', 'users'], ['analytics']]);
  });

  test('prints scripts that do the same, and runs nothing', async ({ expect }) => {
    await using database = await wholeDatabase();
    for (const environment of [{}, { DATABASE_URL: database.url }]) {
      const { code, out, err } = await run(environment, '--print');
      expect([code, err]).toEqual([0, []]);
      expect(out.filter((line) => /^(-- install|begin;|commit;)/.test(line))).toEqual([
        '-- install users.id in the database of DATABASE_URL', 'begin;', 'commit;', '-- install analytics.user_id in the database of DATABASE_URL', 'begin;', 'commit;',
        '-- install products.id in the database of DATABASE_URL', 'begin;', 'commit;',
      ]);
      expect(await installed(database)).toEqual([]);
      await query(database.url, out.join('\n'));
      expect(await installed(database)).toEqual(['analytics', 'products', 'users']);
      const removal = await run(environment, '--print', '--uninstall');
      expect(await installed(database)).toEqual(['analytics', 'products', 'users']);
      await query(database.url, removal.out.join('\n'));
      expect(await installed(database)).toEqual([]);
    }
  });

  test('says of a table that is not there that it is not, and installs the others', async ({ expect }) => {
    await using database = await seedDatabase();
    expect(await run({ DATABASE_URL: database.url }, '--tables', 'nothing.id, users.nothing, users.id')).toEqual({
      code: 1,
      out: ['users (DATABASE_URL): changes are told on tributary_gone, by id'],
      err: [
        'nothing (DATABASE_URL): nothing was changed: relation "nothing" does not exist',
        'users (DATABASE_URL): nothing was changed: column "nothing" does not exist',
      ],
    });
    expect(await installed(database)).toEqual(['users']);
  });

  test('says of a database that does not answer that it does not, and goes on with the other', async ({ expect }) => {
    await using analytics = await createDatabase();
    await query(analytics.url, 'create table analytics (user_id integer)');
    const port = await closedPort();
    const { code, out, err } = await run({ DATABASE_URL: `postgres://u:secret@127.0.0.1:${port}/db`, ANALYTICS_URL: analytics.url });
    expect(code).toBe(1);
    expect(err).toEqual([`DATABASE_URL: expected a database that answers, but got: connect ECONNREFUSED 127.0.0.1:${port}`]);
    expect(out).toEqual(['analytics (ANALYTICS_URL): changes are told on tributary_gone, by user_id']);
  });

  test('says that a password is wrong, and not what it is', async ({ expect }) => {
    const { code, out, err } = await run({ DATABASE_URL: Object.assign(new URL(elsewhere.url), { password: 'secret' }).href });
    expect([code, out]).toEqual([1, []]);
    expect(err).toEqual([expect.stringMatching(/^DATABASE_URL: expected a database that answers, but got: password authentication failed for user "\w+"$/)]);
  });

  test.for([
    ['no URL', {}, [], ['DATABASE_URL: expected a URL that starts with postgres:// or postgresql://, but got nothing']],
    ['a bad URL', { DATABASE_URL: 'mysql://u:secret@db/x' }, [], ['DATABASE_URL: expected a URL that starts with postgres:// or postgresql://, but got "mysql://u:***@db/x"']],
    ['a bad table', { DATABASE_URL: 'postgres://db/x' }, ['--tables', 'users'], ['expected table.column or schema.table.column, names as the catalog has them, but got "users"', usage]],
    ['a bad option', { DATABASE_URL: 'postgres://db/x' }, ['--remove'], [/^Unknown option '--remove'/, usage]],
    ['an argument', { DATABASE_URL: 'postgres://db/x' }, ['users.id'], [/^Unexpected argument 'users.id'/, usage]],
  ] as const)('refuses %s', async ([, environment, options, complaint], { expect }) => {
    const { code, out, err } = await run(environment, ...options);
    expect([code, out]).toEqual([78, []]);
    expect(err).toEqual(complaint.map((line) => (typeof line === 'string' ? line : expect.stringMatching(line) as string)));
  });
});
