import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { leash } from '../process/leash.ts';
import { settlesWithin } from '../../src/core/settles-within.ts';
import { POSTGRES_ENV, type Binaries } from './binaries.ts';

/** `fast` writes a checkpoint and ends; `immediate` ends as a crash would, and the next start recovers. */
export type Shutdown = 'fast' | 'immediate';

export interface ServerOptions {
  readonly binaries: Binaries;
  readonly data: string;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
  /** Removed should we die without being able to stop it. */
  readonly folderToRemove: string | undefined;
  /** Postgres ended and nobody asked it to. */
  readonly onCrash: (reason: string) => void;
}

export interface Server {
  readonly pid: number;
  /** The last lines Postgres wrote. */
  log(): string;
  end(mode: Shutdown): Promise<void>;
  /** Ends it at once, without waiting: for a forced exit. */
  kill(): void;
}

// Of a standby it goes on: read-only connections.
const READY = 'database system is ready to accept';
// Recovery after a crash is seconds for a few thousand rows; a minute means that something else is wrong.
const START_LIMIT_MS = 60_000;
const LOG_LINES_MAX = 200;
const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** Starts Postgres in the foreground of a session of its own and waits until it accepts connections. */
export async function startServer({ binaries, data, port, settings, folderToRemove, onCrash }: ServerOptions): Promise<Server> {
  const child = spawn(binaries.postgres, ['-D', data, '-p', String(port), ...flags(settings)], {
    ...binaries.runAs,
    cwd: '/',
    env: POSTGRES_ENV,
    // A Ctrl-C in the terminal reaches every process of the terminal's group; this one is ended in order instead.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const { pid } = child;
  if (pid === undefined) throw await exited.catch((error: unknown) => error);
  const tied = leash(pid, 'INT', folderToRemove);
  const lines: string[] = [];
  const log = () => lines.join('\n');
  let asked = false;

  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (lines.push(line) > LOG_LINES_MAX) lines.shift();
      if (line.includes(READY)) resolve();
    });
  });
  const gone = exited.then(([code, signal]) => {
    tied.release();
    return signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
  });
  const end = async (mode: Shutdown): Promise<void> => {
    asked = true;
    child.kill(SIGNALS[mode]);
    if (await settlesWithin(gone, 10_000)) return;
    child.kill(SIGNALS.immediate);
    if (await settlesWithin(gone, 6_000)) return;
    child.kill('SIGKILL');
    await gone;
  };

  const started = await settlesWithin(Promise.race([ready, gone]), START_LIMIT_MS);
  if (!started || child.exitCode !== null || child.signalCode !== null) {
    await end('immediate');
    throw new Error(`Postgres did not start on port ${port}; it said:\n${log()}`);
  }
  void gone.then((how) => asked || onCrash(`Postgres ${how}; it said last:\n${lines.slice(-10).join('\n')}`));
  const kill = () => {
    asked = true;
    child.kill(SIGNALS.immediate);
  };
  return { pid, log, end, kill };
}

function flags(settings: Readonly<Record<string, string>>): string[] {
  // No Unix socket: it would leave a lock file in /tmp, and everybody here connects over loopback.
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', timezone: 'UTC', log_timezone: 'UTC', ...settings };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
