import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, lstatSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

// Postgres refuses to run as root, so for root it runs as somebody else; and somebody else cannot enter root's home or
// a folder of mktemp's. What they cannot reach there is then kept here, where everybody may pass.
const PUBLIC = '/var/tmp';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Whether this user may pass through every folder above `path`. */
export function isWithinReach(path: string, { uid, gid }: User): boolean {
  const folder = dirname(path);
  const { mode, uid: owner, gid: group } = statSync(existing(folder));
  const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
  return (mode & bit) !== 0 && (folder === dirname(folder) || isWithinReach(folder, { uid, gid }));
}

/** A folder that will be made has the reach of the nearest one that is there. */
function existing(folder: string): string {
  return existsSync(folder) ? folder : existing(dirname(folder));
}

/** The folder for a user's data: the one that is wanted, or one in its place, the same for the same wish. */
export function folderWithinReach(wanted: string, user: User | undefined): string {
  if (user === undefined || isWithinReach(wanted, user)) return wanted;
  return join(PUBLIC, `tributary-${createHash('sha256').update(wanted).digest('hex').slice(0, 16)}`);
}

/** The programs in `folder`, or a copy of them that the user can reach, made once for each version. */
export function programsWithinReach(folder: string, version: string, user: User | undefined): string {
  if (user === undefined || isWithinReach(join(folder, 'bin'), user)) return folder;
  const copy = join(PUBLIC, `tributary-postgres-${version}`);
  if (!existsSync(copy)) {
    const unfinished = mkdtempSync(`${copy}-`);
    cpSync(folder, unfinished, { recursive: true, verbatimSymlinks: true });
    chmodSync(unfinished, 0o755);
    try {
      renameSync(unfinished, copy);
    } catch (error) {
      // Somebody else has made it meanwhile.
      rmSync(unfinished, { recursive: true, force: true });
      if (!existsSync(copy)) throw error;
    }
  }
  // Everybody may write in a public folder: programs that another user put there are not to be run.
  const { uid, mode } = lstatSync(copy);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) throw new Error(`expected ${copy} to be ours and writable by nobody else, but it is not: remove it`);
  return copy;
}
