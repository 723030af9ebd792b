import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { Missing } from './builds.ts';
import { userCount } from './fixture/postgres.ts';
import { pinned } from './machine.ts';
import { fixture } from './paths.ts';
import { path, type Running } from './services.ts';
import type { Ids } from './workloads.ts';

const run = promisify(execFile);

const Load = z.object({
  requests: z.number(),
  bytes: z.number(),
  seconds: z.number(),
  p50: z.number(),
  p99: z.number(),
  errors: z.record(z.string(), z.number()),
});

export interface Load {
  readonly requests: number;
  /** Of the answers, heads included. */
  readonly bytes: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Connections that failed, answers that did not come within 5 s, and statuses other than 2xx and 3xx. */
  readonly errors: number;
}

/** Asked for its version wrk exits with 1, but it is there. */
const found = (): Promise<boolean> =>
  run('wrk', ['--version']).then(() => true, (error: { code?: unknown }) => error.code !== 'ENOENT');

/** Makes sure that wrk is there; root may install it. */
export async function findWrk(): Promise<void> {
  if (await found()) return;
  if (process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'wrk'], { env, timeout: 120_000 }).catch(() => undefined);
    if (await found()) return;
  }
  throw new Missing('expected wrk, the load generator, on the PATH, but got none: apt install wrk');
}

/** How users are drawn, and on how many connections. */
export interface Kind {
  readonly ids: Ids;
  readonly connections: number;
  /** Within so many milliseconds all of them have begun; at once if it is not said. */
  readonly spreadMs?: number;
}

/** So many seconds in a closed loop: each connection asks again once it is answered. */
export async function load({ port, headers }: Pick<Running, 'port' | 'headers'>, { ids, connections, spreadMs = 0 }: Kind, seconds: number, core: number | undefined): Promise<Load> {
  const url = `http://127.0.0.1:${port}${path}`;
  const script = ['-s', join(fixture, 'users.lua'), url, '--', String(userCount), ids, String(spreadMs), String(connections)];
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '5s', '--latency', ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]), ...script];
  const [file = '', ...rest] = pinned(core, ['wrk', ...args]);
  const { stdout } = await run(file, rest, { timeout: (seconds + 30) * 1_000 });
  const result = /^RESULT (.*)$/m.exec(stdout)?.[1];
  if (result === undefined) throw new Error(`expected a line RESULT from wrk, but got ${stdout.slice(0, 200)}`);
  const { errors, ...figures } = Load.parse(JSON.parse(result));
  return { ...figures, errors: Object.values(errors).reduce((sum, count) => sum + count, 0) };
}
