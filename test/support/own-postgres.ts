import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type Postgres } from '../../demo/postgres.ts';

/** A Postgres for one test alone, to be restarted, ended or misconfigured at will. `await using` stops it. */
export async function startOwnPostgres(settings: Readonly<Record<string, string>> = {}): Promise<Postgres> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-test-'));
  try {
    return await startPostgres({ dir, persistent: false, settings });
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}
