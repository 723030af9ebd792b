import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { claim, InUse } from '../../demo/postgres/owner.ts';
import { onPath } from '../../demo/process/on-path.ts';

// Taken at import, before any test fakes time.
const { setTimeout: startTimer } = globalThis;

const run = promisify(execFile);
const version = 'v2.12.0';
const folder = fileURLToPath(new URL('../../node_modules/.cache/toxiproxy/', import.meta.url));
const binary = join(folder, `toxiproxy-${version}`);
/** Says why it could not be built; believed for a while, so that not every file of a run tries again without a network. */
const note = join(folder, `no-toxiproxy-${version}`);
const noteMs = 10 * 60_000;
/** A minute where nothing of it was ever built; here others may be building and testing besides. */
const buildMs = 4 * 60_000;

/** For a hook that waits for a build: of one's own, or of the file that came first. */
export const toxiproxyBuildMs = buildMs + 30_000;

export type Toxiproxy = { readonly path: string } | { readonly reason: string };

/** The pinned toxiproxy: built with Go when it is first asked for, and kept; or why it cannot be had. */
export async function buildToxiproxy(): Promise<Toxiproxy> {
  if (existsSync(binary)) return { path: binary };
  const go = onPath('go');
  if (go === undefined) return { reason: 'there is no go on the PATH' };
  await mkdir(folder, { recursive: true });
  for (;;) {
    const reason = await freshNote();
    if (reason !== undefined) return { reason };
    try {
      const owner = await claim(folder);
      try {
        return existsSync(binary) ? { path: binary } : await install(go);
      } finally {
        owner.release();
      }
    } catch (error) {
      if (!(error instanceof InUse)) throw error;
    }
    // Somebody else builds it; files tell nobody when they come.
    await new Promise<void>((resolve) => { startTimer(resolve, 100); });
    if (existsSync(binary)) return { path: binary };
  }
}

async function install(go: string): Promise<Toxiproxy> {
  const path = await mkdtemp(join(folder, 'go-'));
  const startedAt = performance.now();
  try {
    await run(go, ['install', '-ldflags=-s -w', `github.com/Shopify/toxiproxy/v2/cmd/server@${version}`], {
      // Modules that may be removed again; no compiler for C; and no other Go than the one that is here.
      env: { ...process.env, GOPATH: path, GOBIN: join(path, 'bin'), GOMODCACHE: join(path, 'mod'), GOFLAGS: '-modcacherw', CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
      timeout: buildMs,
    });
    // All at once: nobody ever runs half of it.
    await rename(join(path, 'bin', 'server'), binary);
    process.stderr.write(`toxiproxy ${version} was built in ${Math.round((performance.now() - startedAt) / 1_000)} s\n`);
    return { path: binary };
  } catch (error) {
    const reason = `go install failed: ${((error as { stderr?: string }).stderr || String(error)).trim().split('\n').at(-1)}`;
    await writeFile(note, reason);
    return { reason };
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function freshNote(): Promise<string | undefined> {
  const written = await stat(note).catch(() => undefined);
  return written && Date.now() - written.mtimeMs < noteMs ? readFile(note, 'utf8') : undefined;
}
