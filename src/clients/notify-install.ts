import { type KeyColumn, installSql, uninstallSql } from './notify-sql.ts';
import { isConnectionLost } from './postgres-failure.ts';
import { sayGoodbye } from './postgres-goodbye.ts';
import { clientsOf, connectToOne, Servers } from './postgres-servers.ts';
import { parsePostgresUrl } from './postgres-url.ts';

export type NotifyAction = 'install' | 'uninstall';

export interface NotifyInstallation {
  readonly url: string;
  readonly tables: readonly KeyColumn[];
  readonly action: NotifyAction;
  /** Told of each table in its turn; an error says why nothing was changed for it. */
  readonly onTable: (table: KeyColumn, error?: Error) => void;
}

/** A server that is there has answered long before: it waits 5 s for each of four locks at most. */
const answerMs = 30_000;

const connectMs = 10_000;

/** The statements of one table as a script, for those who run it by themselves. */
export function notifyScript(table: KeyColumn, action: NotifyAction): string {
  return `begin;\n${action === 'install' ? installSql(table) : uninstallSql(table)}\ncommit;\n`;
}

/**
 * Makes the changes of tables known, or no longer. Each table is a transaction of its own: one that held them all locked
 * could wait for a writer that waits for it. Rejects if the database cannot be reached, or no longer.
 */
export async function runNotifyInstallation({ url, tables, action, onTable }: NotifyInstallation): Promise<void> {
  const client = await connected(url);
  try {
    for (const table of tables) {
      try {
        await client.query(notifyScript(table, action));
        onTable(table);
      } catch (error) {
        if (isConnectionLost(error)) throw error;
        // The script did not come to its end: its transaction is still open.
        await client.query('rollback');
        onTable(table, error as Error);
      }
    }
  } finally {
    await sayGoodbye(client);
  }
}

/** To the only server, or of several to the one that takes changes, whichever of them are read otherwise. */
async function connected(url: string) {
  const { urls } = parsePostgresUrl(url);
  const servers = new Servers({ urls, wanted: urls.length > 1 ? 'read-write' : 'any' });
  const Client = clientsOf(servers, connectMs);
  return connectToOne(servers, async () => {
    const client = new Client({ query_timeout: answerMs, keepAlive: true, fallback_application_name: 'tributary-notify' });
    await client.connect();
    return client;
  });
}
