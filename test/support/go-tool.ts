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
const cache = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));
const noteMs = 10 * 60_000;
/** A minute where nothing of it was ever built; here others may be building and testing besides. */
const buildMs = 4 * 60_000;

/** For a hook that waits for a build: of one's own, or of the file that came first. */
export const goToolBuildMs = buildMs + 30_000;

/** A program written in Go. */
export interface GoTool {
  readonly name: string;
  /** The package of its command, as `go install` takes it, without the version. */
  readonly source: string;
  /** Pinned: a newer one should be met on purpose. */
  readonly version: string;
}

export type Built = { readonly path: string } | { readonly reason: string };

interface Place {
  readonly folder: string;
  readonly binary: string;
  /** Says why it could not be built; believed for a while, so that not every file of a run tries again without a network. */
  readonly note: string;
}

/** The pinned program: built when it is first asked for, and kept below node_modules; or why it cannot be had. */
export async function buildGoTool(tool: GoTool): Promise<Built> {
  const { name, version } = tool;
  const folder = join(cache, name);
  const place = { folder, binary: join(folder, `${name}-${version}`), note: join(folder, `no-${name}-${version}`) };
  if (existsSync(place.binary)) return { path: place.binary };
  const go = onPath('go');
  if (go === undefined) return { reason: 'there is no go on the PATH' };
  await mkdir(folder, { recursive: true });
  for (;;) {
    const reason = await freshNote(place);
    if (reason !== undefined) return { reason };
    try {
      const owner = await claim(folder);
      try {
        return existsSync(place.binary) ? { path: place.binary } : await install(go, tool, place);
      } finally {
        owner.release();
      }
    } catch (error) {
      if (!(error instanceof InUse)) throw error;
    }
    // Somebody else builds it; files tell nobody when they come.
    await new Promise<void>((resolve) => { startTimer(resolve, 100); });
    if (existsSync(place.binary)) return { path: place.binary };
  }
}

async function install(go: string, { name, source, version }: GoTool, { folder, binary, note }: Place): Promise<Built> {
  const path = await mkdtemp(join(folder, 'go-'));
  const startedAt = performance.now();
  try {
    await run(go, ['install', '-ldflags=-s -w', `${source}@${version}`], {
      // Modules that may be removed again; no compiler for C; and no other Go than the one that is here.
      env: { ...process.env, GOPATH: path, GOBIN: join(path, 'bin'), GOMODCACHE: join(path, 'mod'), GOFLAGS: '-modcacherw', CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
      timeout: buildMs,
    });
    // All at once: nobody ever runs half of it.
    await rename(join(path, 'bin', source.slice(source.lastIndexOf('/') + 1)), binary);
    process.stderr.write(`${name} ${version} was built in ${Math.round((performance.now() - startedAt) / 1_000)} s\n`);
    return { path: binary };
  } catch (error) {
    const reason = `go install failed: ${((error as { stderr?: string }).stderr || String(error)).trim().split('\n').at(-1)}`;
    await writeFile(note, reason);
    return { reason };
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function freshNote({ note }: Place): Promise<string | undefined> {
  const written = await stat(note).catch(() => undefined);
  return written && Date.now() - written.mtimeMs < noteMs ? readFile(note, 'utf8') : undefined;
}
