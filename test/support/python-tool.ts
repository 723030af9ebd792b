import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onPath } from '../../demo/process/on-path.ts';

/** From a registry that is near: some seconds. */
const installMs = 120_000;

const run = promisify(execFile);

/**
 * The command of this name that a package of PyPI brings, installed once below node_modules; or the reason why there is
 * none: Python is missing, or the registry of its packages. `version` is pinned: a newer one should be met on purpose.
 */
export async function pythonTool(name: string, version: string): Promise<{ readonly command: string } | { readonly missing: string }> {
  const python = onPath('python3');
  if (!python) return { missing: 'no python3 on the PATH' };
  const home = fileURLToPath(new URL(`../../node_modules/.cache/${name}-${version}`, import.meta.url));
  const command = `${home}/bin/${name}`;
  try {
    if (!(await exists(command))) {
      await run(python, ['-m', 'venv', home], { timeout: installMs });
      await run(`${home}/bin/pip`, ['install', '--quiet', '--disable-pip-version-check', `${name}==${version}`], { timeout: installMs });
    }
    return { command };
  } catch (error) {
    return { missing: `${name} could not be installed: ${(error as Error).message.split('\n').at(-1) ?? ''}` };
  }
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);
