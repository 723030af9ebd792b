import { execFile } from 'node:child_process';
import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onPath } from '../process/on-path.ts';

/** From a registry that is near: some seconds. */
const INSTALL_LIMIT_MS = 180_000;
/** Importing FastAPI takes a second on a busy machine; one that takes longer is not what we want to wait for. */
const TRY_LIMIT_MS = 10_000;

const run = promisify(execFile);

/** A Python that can run main.py; or the reason why there is none. */
export type Python = { readonly command: string } | { readonly missing: string };

const isThere = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

/** The one installed in `home`, or that of this machine if it has the packages. Installs nothing. */
export async function findPython(home: string): Promise<Python> {
  const own = join(home, 'bin', 'python');
  if (await isThere(join(home, 'installed'))) return { command: own };
  const command = onPath('python3');
  if (!command) return { missing: 'no python3 on the PATH' };
  try {
    await run(command, ['-c', 'import fastapi, uvicorn'], { timeout: TRY_LIMIT_MS });
    return { command };
  } catch {
    return { missing: 'Python has no FastAPI: npm run demo:sentiment:install' };
  }
}

/** A Python of its own in `home` with the packages of requirements.txt, whose hashes have to match; once. */
export async function installPython(home: string): Promise<Python> {
  const done = join(home, 'installed');
  const command = join(home, 'bin', 'python');
  if (await isThere(done)) return { command };
  const python = onPath('python3');
  if (!python) return { missing: 'no python3 on the PATH' };
  try {
    await run(python, ['-m', 'venv', home], { timeout: INSTALL_LIMIT_MS });
    await run(command, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:', '--require-hashes', '-r', join(import.meta.dirname, 'requirements.txt')], { timeout: INSTALL_LIMIT_MS });
    // Last, since half of it is none.
    await run(command, ['-c', `open(${JSON.stringify(done)}, "w").close()`]);
    return { command };
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    return { missing: `FastAPI could not be installed: ${(error as Error).message.split('\n').findLast((line) => line.trim() !== '') ?? ''}` };
  }
}
