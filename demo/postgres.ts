import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { findBinaries, type Binaries } from './postgres/binaries.ts';
import { makeFolder, openCluster, USER, type Cluster } from './postgres/cluster.ts';
import { clearLeftovers } from './postgres/leftovers.ts';
import { claim } from './postgres/owner.ts';
import { folderWithinReach } from './postgres/within-reach.ts';
import { startServer, type Server, type Shutdown } from './postgres/server.ts';
import { freePort } from './process/free-port.ts';

export { InUse } from './postgres/owner.ts';
export type { Shutdown } from './postgres/server.ts';

export interface PostgresOptions {
  /** A folder for this Postgres alone; made if need be. */
  readonly dir: string;
  /** A free one is chosen unless given. */
  readonly port?: number | undefined;
  /** False: the folder is removed on stop, and nothing in it survives a power cut (which makes it fast). */
  readonly persistent: boolean;
  /** More settings, as in postgresql.conf: `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told what is happening when it takes longer than usual. */
  readonly say?: (line: string) => void;
  /** Told when Postgres ends and nobody asked it to. */
  readonly onCrash?: (reason: string) => void;
}

export interface Postgres extends AsyncDisposable {
  /** Of a superuser, with its password; the same after a restart. */
  readonly url: string;
  readonly port: number;
  /** The data directory. */
  readonly data: string;
  /** Of the postmaster; undefined while it is down. */
  readonly pid: number | undefined;
  /** The last lines Postgres wrote. */
  log(): string;
  /** `fast` (the default) ends open connections and writes a checkpoint, `immediate` ends as a crash would. */
  down(mode?: Shutdown): Promise<void>;
  /** Starts it again on the same port. */
  up(): Promise<void>;
  restart(mode?: Shutdown): Promise<void>;
  /** Ends it for good: no process and no lock is left, of a throw-away one no folder either. */
  stop(): Promise<void>;
  /** For a forced exit: ends it as a crash would, without waiting. */
  kill(): void;
}

const CRASH_UNSAFE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/**
 * Starts a real Postgres 18 on 127.0.0.1. Throws `InUse` when a living process already uses the folder; what a killed
 * one left there is cleared away first.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const binaries = findBinaries();
  const wanted = resolve(options.dir);
  const dir = folderWithinReach(wanted, binaries.runAs);
  if (dir !== wanted) options.say?.(`kept in ${dir}: Postgres does not run as root, and nobody else may enter ${wanted}`);
  await makeFolder(dir, binaries);
  const owner = await claim(dir);
  const leave = async () => {
    owner.release();
    if (!options.persistent) await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  };
  try {
    const cluster = await openCluster(dir, binaries, options.say ?? silent);
    await clearLeftovers(cluster.data, options.say ?? silent);
    return await run(cluster, binaries, { ...options, dir }, { leave, release: () => owner.release() });
  } catch (error) {
    await leave();
    throw error;
  }
}

interface Exit {
  readonly leave: () => Promise<void>;
  readonly release: () => void;
}

async function run(cluster: Cluster, binaries: Binaries, options: PostgresOptions, exit: Exit): Promise<Postgres> {
  const launch = (port: number) =>
    startServer({
      binaries,
      data: cluster.data,
      port,
      settings: { ...(options.persistent ? {} : CRASH_UNSAFE), ...options.settings },
      folderToRemove: options.persistent ? undefined : options.dir,
      onCrash: options.onCrash ?? silent,
    });
  const first = await launchOnFreePort(launch, options.port);
  const { port } = first;
  let server: Server | undefined = first.server;
  let stopping: Promise<void> | undefined;

  const down = async (mode: Shutdown = 'fast') => {
    const ending = server;
    server = undefined;
    await ending?.end(mode);
  };
  const up = async () => {
    if (stopping !== undefined) throw new Error('expected a Postgres that may start again, but it was stopped for good');
    server ??= await launch(port);
  };
  const restart = async (mode?: Shutdown) => {
    await down(mode);
    await up();
  };
  const stop = () => (stopping ??= down().then(exit.leave));
  const kill = () => {
    server?.kill();
    exit.release();
  };
  return {
    url: `postgres://${USER}:${cluster.password}@127.0.0.1:${port}/postgres`,
    port,
    data: cluster.data,
    get pid() {
      return server?.pid;
    },
    log: () => server?.log() ?? '',
    down,
    up,
    restart,
    stop,
    kill,
    [Symbol.asyncDispose]: stop,
  };
}

/** Between choosing a free port and listening on it somebody else may take it; then the next one is tried. */
async function launchOnFreePort(launch: (port: number) => Promise<Server>, wanted: number | undefined) {
  for (let tries = 1; ; tries += 1) {
    const port = wanted ?? (await freePort());
    try {
      return { port, server: await launch(port) };
    } catch (error) {
      if (wanted !== undefined || tries === 3 || !String(error).includes('Address already in use')) throw error;
    }
  }
}

function silent(): void {
  // Nobody listens.
}
