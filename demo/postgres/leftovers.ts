import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { commandOf } from '../process/command-of.ts';

const POLL_MS = 50;

/**
 * Makes a data directory startable whose last Postgres was not ended properly. Only for the owner of the directory:
 * a Postgres that still runs in it is taken for an orphan and ended.
 */
export async function clearLeftovers(data: string, say: (line: string) => void): Promise<void> {
  const lock = join(data, 'postmaster.pid');
  const pid = Number.parseInt(await readFile(lock, 'utf8').catch(() => ''), 10);
  if (Number.isNaN(pid)) return;
  const command = commandOf(pid);
  if (command === undefined) {
    // Postgres itself removes the lock of a dead one: it also checks that no backend still holds its memory.
    say('the last run was killed; Postgres replays what it had committed');
  } else if (command.includes(data)) {
    say(`the last run was killed and left Postgres running (process ${pid}); ending it first`);
    await end(pid);
  } else {
    say(`the last run was killed and its process number ${pid} is somebody else's now; removing its lock`);
    await rm(lock, { force: true });
  }
}

async function end(pid: number): Promise<void> {
  // Fast first: it writes a checkpoint. Immediate is safe too, Postgres then recovers from its log.
  for (const [signal, waitMs] of [['SIGINT', 10_000], ['SIGQUIT', 6_000]] as const) {
    signalIfAlive(pid, signal);
    for (let waited = 0; waited < waitMs; waited += POLL_MS) {
      if (commandOf(pid) === undefined) return;
      await pause(POLL_MS);
    }
  }
  throw new Error(`expected the old Postgres (process ${pid}) to end within 16 s, but it still runs: end it by hand`);
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
