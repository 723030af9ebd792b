import type { TestProject } from 'vitest/node';
import type { Postgres } from '../../demo/postgres.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';

interface Shared {
  readonly postgres: Promise<Postgres>;
  users: number;
}

// Each project of a run loads this module anew and calls it; what they share has to hang somewhere outside of it.
const key = Symbol.for('tributary.test.postgres');
const shelf = globalThis as { [key]?: Shared | undefined };

/** A `globalSetup`: one throw-away Postgres for all projects of a run, stopped when the last of them is done. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = (shelf[key] ??= { postgres: startOwnPostgres(), users: 0 });
  shared.users += 1;
  const postgres = await shared.postgres;
  project.provide('postgresUrl', postgres.url);
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    shelf[key] = undefined;
    await postgres.stop();
  };
}
