import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/**
 * The command line of a living process, or undefined where there is none. A pid alone proves nothing: after a crash
 * or in a restarted container the same number may belong to somebody else.
 */
export function commandOf(pid: number): string | undefined {
  const command = existsSync('/proc/self/cmdline') ? fromProc(pid) : fromPs(pid);
  return command === '' ? undefined : command;
}

function fromProc(pid: number): string {
  try {
    // Empty for a zombie: it has ended, only its parent has not asked yet.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

function fromPs(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return '';
  }
}
