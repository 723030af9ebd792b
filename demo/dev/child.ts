import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { leash } from '../process/leash.ts';
import { settlesWithin } from '../../src/core/settles-within.ts';

export interface ChildOptions {
  /** What is run; node unless given. */
  readonly command?: string;
  /** Its arguments: of node, the script among them. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly onLine: (line: string) => void;
  /** It ended and nobody asked it to. */
  readonly onCrash: (reason: string) => void;
  /** How long it may take to end after SIGTERM. */
  readonly endLimitMs: number;
}

export interface Child {
  readonly pid: number;
  /** SIGTERM; SIGKILL for whoever takes too long. Resolves when it is gone, false if it had to be killed. */
  end(): Promise<boolean>;
  kill(): void;
}

/** Starts a process in a session of its own: a Ctrl-C in the terminal reaches only us, and we end things in order. */
export async function startChild({ command = process.execPath, args, env, cwd, onLine, onCrash, endLimitMs }: ChildOptions): Promise<Child> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const { pid } = child;
  if (pid === undefined) throw await exited.catch((error: unknown) => error);
  const tied = leash(pid, 'TERM');
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', onLine);

  let asked = false;
  // 'close' comes after the last line was read: the reason for a crash is shown before the crash is reported.
  const closed = once(child, 'close');
  const gone = exited.then(() => tied.release());
  void closed.then(([code, signal]) => asked || onCrash(signal === null ? `ended with code ${code}` : `was ended by ${signal}`));
  const signalAll = (signal: NodeJS.Signals) => {
    asked = true;
    if (child.exitCode !== null || child.signalCode !== null) return;
    // The whole group: the child may have children of its own, as with node --watch.
    process.kill(-pid, signal);
  };
  const end = async () => {
    signalAll('SIGTERM');
    if (await settlesWithin(gone, endLimitMs)) return true;
    signalAll('SIGKILL');
    await gone;
    return false;
  };
  return { pid, end, kill: () => signalAll('SIGKILL') };
}
