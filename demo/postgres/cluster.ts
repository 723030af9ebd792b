import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { leash } from '../process/leash.ts';
import { POSTGRES_ENV, type Binaries } from './binaries.ts';

export interface Cluster {
  readonly data: string;
  readonly password: string;
}

export const USER = 'tributary';

/** The data directory in `dir`: the one that is there, or a new one. */
export async function openCluster(dir: string, binaries: Binaries, say: (line: string) => void): Promise<Cluster> {
  const data = join(dir, `data-${binaries.major}`);
  const passwordFile = join(dir, 'password');
  for (const name of await readdir(dir)) {
    if (!name.startsWith('init-')) continue;
    say('an earlier first start did not finish; beginning again');
    await rm(join(dir, name), { recursive: true, force: true, maxRetries: 10 });
  }
  if (!existsSync(join(data, 'PG_VERSION')) || !existsSync(passwordFile)) {
    say('first start: making a new database cluster');
    await rm(data, { recursive: true, force: true });
    await makePassword(passwordFile, binaries);
    await initialise(dir, data, passwordFile, binaries);
  }
  return { data, password: (await readFile(passwordFile, 'utf8')).trim() };
}

const OURS = /^(owner.*\.json|password|data-\d+|init-\d+)$/;

/** Makes `dir`, owned by whoever runs Postgres. One with anything else in it is refused: a throw-away one is removed whole. */
export async function makeFolder(dir: string, { runAs }: Binaries): Promise<void> {
  await mkdir(dir, { recursive: true });
  const strangers = (await readdir(dir)).filter((name) => !OURS.test(name));
  if (strangers.length > 0) {
    throw new Error(`expected ${dir} to be empty or one of ours, but there is more in it: ${strangers.slice(0, 5).join(', ')}`);
  }
  if (runAs !== undefined) await chown(dir, runAs.uid, runAs.gid);
}

// Other users of this machine can reach the port too; a password of its own for each cluster keeps them out.
async function makePassword(file: string, { runAs }: Binaries): Promise<void> {
  await writeFile(file, `${randomBytes(12).toString('hex')}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
  if (runAs !== undefined) await chown(file, runAs.uid, runAs.gid);
}

/** Into a folder with another name first: the data directory then exists whole or not at all, whenever we are killed. */
async function initialise(dir: string, data: string, passwordFile: string, binaries: Binaries): Promise<void> {
  const unfinished = join(dir, `init-${process.pid}`);
  const flags = [`--pgdata=${unfinished}`, `--username=${USER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  // The built-in locale sorts the same on every system; seeds and answers must not depend on the machine.
  const locale = ['--no-locale', '--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const child = spawn(binaries.initdb, [...flags, ...locale, '--no-sync', '--no-instructions'], {
    ...binaries.runAs,
    cwd: dir,
    env: POSTGRES_ENV,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const tied = child.pid === undefined ? undefined : leash(child.pid, 'TERM', unfinished);
  try {
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error((await output).join('').trim());
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    const who = binaries.runAs === undefined ? '' : ` (as user ${binaries.runAs.uid}, who must be able to enter it)`;
    throw new Error(`could not make a Postgres cluster in ${dir}${who}: ${String(cause)}`, { cause });
  } finally {
    tied?.release();
  }
  await rename(unfinished, data);
}
