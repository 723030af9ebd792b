import { runner } from 'node-pg-migrate';
import { sayGoodbye } from './postgres-goodbye.ts';
import { connectToMaintain } from './postgres-maintenance.ts';

export interface MigrationOptions {
  readonly url: string;
  /** Of the files, `0001_products.sql` and so on, in whose order they are run. */
  readonly folder: string;
}

/** Of the library's own messages nothing is said: what was done it returns, and what failed it throws. */
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Runs the migrations that have not been run, all of them in one transaction, and returns their names. Of several who do so at
 * the same time one does, and the others wait. Rejects if the database cannot be reached, or one of them fails: then nothing was changed.
 */
export async function migrate({ url, folder }: MigrationOptions): Promise<readonly string[]> {
  // The bound is for a table that somebody holds, and for somebody else who migrates.
  const client = await connectToMaintain(url, { fallback_application_name: 'tributary-migrate', options: '-c lock_timeout=30000' });
  try {
    const done = await runner({
      dbClient: client, dir: folder, direction: 'up', migrationsTable: 'tributary_migrations', singleTransaction: true, checkOrder: true, advisoryLockMode: 'wait', logger: silent,
    });
    return done.map(({ name }) => name);
  } finally {
    await sayGoodbye(client);
  }
}
