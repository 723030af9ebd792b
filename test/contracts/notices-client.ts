import { randomUUID } from 'node:crypto';
import { runNotifyInstallation } from '../../src/clients/notify-install.ts';
import type { Notice } from '../../src/clients/notify-sql.ts';
import { parseKeyColumn } from '../../src/clients/notify-sql.ts';
import { listenForNotices, type Notices, type NoticesOptions } from '../../src/clients/postgres-notices.ts';
import { query } from '../support/postgres.ts';
import { Changes } from '../support/until.ts';

/** A listener under test, with all that it told, in order. `await using` closes it. */
export interface Ear extends Notices, AsyncDisposable {
  readonly gone: readonly Notice[];
  /** `lost`, `back`, and what the trouble was. */
  readonly told: readonly string[];
  readonly troubles: readonly Error[];
  /** Resolves once it has told so much. */
  until(holds: () => boolean): Promise<void>;
  /** What is heard of a statement, and no more. */
  hears(sql: string, values?: readonly unknown[]): Promise<readonly Notice[]>;
  tags(sql: string, values?: readonly unknown[]): Promise<readonly string[]>;
}

/** @param direct where statements are run, if the listener's own way may be cut. */
export function listenTo(url: string, options: Partial<NoticesOptions> = {}, direct = url): Ear {
  const gone: Notice[] = [];
  const told: string[] = [];
  const troubles: Error[] = [];
  const changes = new Changes();
  const tell = (what: string) => {
    told.push(what);
    changes.announce();
  };
  const notices = listenForNotices({
    name: 'the user database',
    url,
    onGone: (tag, token) => {
      gone.push({ tag, token });
      changes.announce();
    },
    onLost: () => { tell('lost'); },
    onBack: () => { tell('back'); },
    onTrouble: (error) => {
      troubles.push(error);
      tell('trouble');
    },
    ...options,
  });
  const until = (holds: () => boolean) => changes.until(holds, () => `expected more, but got ${JSON.stringify({ told, gone })}`, 10_000);
  /** What was committed before has been heard by then: notices come in the order of commits. */
  const mark = async () => {
    const tag = `mark:${randomUUID()}`;
    await query(direct, `select pg_notify('tributary_gone', $1)`, [`${tag} 0-0`]);
    await until(() => gone.at(-1)?.tag === tag);
    return gone.length;
  };
  const hears = async (sql: string, values: readonly unknown[] = []) => {
    await notices.heard;
    const from = await mark();
    await query(direct, sql, values);
    return gone.slice(from, await mark() - 1);
  };
  return {
    gone, told, troubles, until, hears,
    get listening() { return notices.listening; },
    heard: notices.heard,
    close: () => notices.close(),
    [Symbol.asyncDispose]: () => notices.close(),
    tags: async (sql, values) => (await hears(sql, values)).map(({ tag }) => tag).toSorted(),
  };
}

/** Installs, or uninstalls, for columns such as 'users.id'; rejects with what Postgres refused. */
export async function announce(url: string, columns: readonly string[], action: 'install' | 'uninstall' = 'install'): Promise<void> {
  const errors: Error[] = [];
  await runNotifyInstallation({ url, tables: columns.map(parseKeyColumn), action, onTable: (_, error) => { if (error) errors.push(error); } });
  if (errors[0]) throw errors[0];
}
