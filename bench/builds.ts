import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, fixture, logs, peers, repo } from './paths.ts';
import { lastLine } from './processes.ts';

const run = promisify(execFile);

/** A toolchain or a program that this machine lacks: the row is left out, with this as its reason. */
export class Missing extends Error {
  override readonly name = 'Missing';
}

/** Runs a build step at low priority. Throws with the last line of what it said. */
async function step(name: string, cwd: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const log = join(logs, `build-${name}.log`);
  mkdirSync(logs, { recursive: true });
  try {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 << 20, timeout: 15 * 60_000 };
    const { stdout, stderr } = await run('nice', ['-n', '10', ...command], options);
    writeFileSync(log, stdout + stderr);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    writeFileSync(log, `${stdout}${stderr || String(error)}`);
    throw new Error(`${command.join(' ')} failed: ${lastLine(log)}`, { cause: error });
  }
}

async function need(program: string, args: readonly string[], install: string): Promise<void> {
  try {
    await run(program, [...args], { timeout: 30_000 });
  } catch {
    throw new Missing(`expected ${program} on the PATH, but there is none that runs: ${install}`);
  }
}

/** Does a step only when the file it depends on has changed since it was last done. */
async function unlessDone(lock: string, stamp: string, work: () => Promise<void>): Promise<void> {
  const wanted = readFileSync(lock, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  await work();
  writeFileSync(stamp, wanted);
}

const goBuild = (out: string) => ['go', 'build', '-trimpath', '-ldflags=-s -w', '-o', out, '.'];

export async function buildStub(): Promise<void> {
  await need('go', ['version'], 'https://go.dev/dl');
  await step('stub', join(fixture, 'stub'), goBuild(join(build, 'stub')));
}

export async function buildGo(): Promise<void> {
  await need('go', ['version'], 'https://go.dev/dl');
  await step('go', join(peers, 'go'), goBuild(join(build, 'go', 'peer-go')));
}

export async function buildRust(): Promise<void> {
  await need('cargo', ['--version'], 'https://rustup.rs');
  await step('rust', join(peers, 'rust'), ['cargo', 'build', '--release', '--locked'], { CARGO_TARGET_DIR: join(build, 'rust') });
}

export async function buildFastify(): Promise<void> {
  const target = join(build, 'fastify');
  cpSync(join(peers, 'fastify'), target, { recursive: true });
  const install = () => step('fastify', target, ['npm', 'ci']);
  await unlessDone(join(target, 'package-lock.json'), join(target, '.installed'), install);
}

export async function buildFastapi(): Promise<void> {
  const recent = ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'];
  const names = ['python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3'];
  const works = (name: string) => need(name, recent, 'apt install python3-venv').then(() => true, () => false);
  let python: string | undefined;
  for (const name of names) if (await works(name)) { python = name; break; }
  if (python === undefined) throw new Missing('expected Python 3.11 or later with venv, but got none: apt install python3-venv');
  const venv = join(build, 'fastapi', 'venv');
  const requirements = join(peers, 'fastapi', 'requirements.txt');
  await unlessDone(requirements, join(build, 'fastapi', '.installed'), async () => {
    await step('fastapi', build, [python, '-m', 'venv', '--clear', venv]);
    await step('fastapi', build, [join(venv, 'bin', 'pip'), 'install', '-q', '-r', requirements]);
  });
}

/** Strips the types of one of our own files, so that a service's memory and start do not hold Node's own compiler. */
export async function buildStripped(name: string): Promise<string> {
  const esbuild = join(repo, 'node_modules', '.bin', 'esbuild');
  const out = join(build, `${name}.mjs`);
  await step(name, repo, [esbuild, `bench/${name}.ts`, '--format=esm', '--platform=node', `--outfile=${out}`]);
  return out;
}

export const buildNoEngine = (): Promise<string> => buildStripped('no-engine');
export const buildBare = (): Promise<string> => buildStripped('bare');

export async function buildTributary(): Promise<void> {
  await step('tributary', repo, ['npm', 'run', 'build']);
  const main = join(repo, 'dist', 'main.js');
  if (!existsSync(main)) throw new Error(`expected npm run build to write ${main}, but it did not`);
}
