import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onPath } from '../../demo/process/on-path.ts';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('../../node_modules/.cache/collector/', import.meta.url));
const parts = fileURLToPath(new URL('../../otel/collector-builder.yaml', import.meta.url));
/** For each of its two steps, of which the second takes a minute and a half where nothing else runs, and many times that where others do. */
const buildMs = 15 * 60_000;

export type Collector = { readonly path: string } | { readonly reason: string };

/** The collector of otel/collector-builder.yaml as it was built earlier; or that it was not. */
export async function findCollector(): Promise<Collector> {
  const path = binaryOf(await readFile(parts, 'utf8'));
  return existsSync(path) ? { path } : { reason: 'it was not built here, which takes a minute and a half, once: npm run check:otel' };
}

/** The same: built with Go when it is first asked for, and kept until that file changes; or why it cannot be had. */
export async function buildCollector(): Promise<Collector> {
  const wanted = await readFile(parts, 'utf8');
  const binary = binaryOf(wanted);
  if (existsSync(binary)) return { path: binary };
  const go = onPath('go');
  if (go === undefined) return { reason: 'there is no go on the PATH' };
  const [, version] = /^ {2}version: (\S+)$/m.exec(wanted) ?? [];
  // Always the same, so that a build that did not come to its end is taken up again.
  const path = join(folder, 'go');
  await mkdir(path, { recursive: true });
  // Modules that may be removed again; no compiler for C; and no other Go than the one that is here.
  const env = { ...process.env, GOPATH: path, GOBIN: path, GOMODCACHE: join(path, 'mod'), GOFLAGS: '-modcacherw', CGO_ENABLED: '0', GOTOOLCHAIN: 'local' };
  try {
    await run(go, ['install', `go.opentelemetry.io/collector/cmd/builder@v${version}`], { env, timeout: buildMs });
    await run(join(path, 'builder'), [`--config=${parts}`], { cwd: path, env, timeout: buildMs, maxBuffer: 16 << 20 });
    // All at once: nobody ever runs half of it.
    await rename(join(path, 'otelcol-tributary', 'otelcol-tributary'), binary);
    await rm(path, { recursive: true });
    return { path: binary };
  } catch (error) {
    return { reason: `it could not be built: ${((error as { stderr?: string }).stderr || String(error)).trim().split('\n').at(-1)}` };
  }
}

const binaryOf = (wanted: string): string => join(folder, `otelcol-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`);
