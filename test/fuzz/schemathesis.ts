import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onPath } from '../../demo/process/on-path.ts';

/** Pinned: a newer one invents other requests, and should be met on purpose. */
const version = '4.32.5';
/** From a registry that is near: some seconds. */
const installMs = 120_000;

const run = promisify(execFile);

/**
 * The command of schemathesis (PyPI), installed once below node_modules; or the reason why there is none: Python is
 * missing, or the registry of its packages.
 */
export async function schemathesis(): Promise<{ readonly command: string } | { readonly missing: string }> {
  const python = onPath('python3');
  if (!python) return { missing: 'no python3 on the PATH' };
  const home = fileURLToPath(new URL(`../../node_modules/.cache/schemathesis-${version}`, import.meta.url));
  const command = `${home}/bin/schemathesis`;
  try {
    if (!(await exists(command))) {
      await run(python, ['-m', 'venv', home], { timeout: installMs });
      await run(`${home}/bin/pip`, ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${version}`], { timeout: installMs });
    }
    return { command };
  } catch (error) {
    return { missing: `schemathesis could not be installed: ${(error as Error).message.split('\n').at(-1) ?? ''}` };
  }
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);
