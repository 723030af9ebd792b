import { spawn } from 'node:child_process';
import { join } from 'node:path';

const SCRIPT = join(import.meta.dirname, 'leash.sh');

export interface Leash {
  /** The process has ended, or may live on: forget it. */
  release(): void;
}

/**
 * Makes sure that `pid` does not outlive this process, not even after `kill -9`: it gets `signal`, and after 10 s
 * SIGKILL. `folder`, if given, is removed once it is gone.
 */
export function leash(pid: number, signal: 'INT' | 'TERM', folder = ''): Leash {
  const shell = spawn('sh', [SCRIPT, signal, String(pid), folder], {
    // In a session of its own, or a Ctrl-C in the terminal would end it before it could do its work.
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.on('error', () => {
    // Without a shell there is no leash: everything still works but the clean-up after `kill -9`.
  });
  shell.stdin.on('error', () => {
    // The shell has ended already, so there is nothing left to tell it.
  });
  shell.unref();
  return { release: () => void shell.stdin.end('released\n') };
}
