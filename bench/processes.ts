import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, closeSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pidsOf, pinned } from './machine.ts';
import { logs } from './paths.ts';

/** How long a process may take to end by itself before it is killed. */
const graceMs = 6_000;

type Undo = () => Promise<void>;
const undone = new Set<Undo>();

/** Registers what has to be ended with this process, also when a signal ends it. Returns how to end it now. */
export function onExit(undo: Undo): Undo {
  const once = async () => {
    if (undone.delete(once)) await undo();
  };
  undone.add(once);
  return once;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // Last in, first out: services before the Postgres they are connected to.
    void (async () => {
      for (const undo of [...undone].toReversed()) await undo().catch(console.error);
      process.exit(1);
    })();
  });
}

export interface Started {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly log: string;
  readonly stop: Undo;
}

interface StartOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly core: number | undefined;
  /** The log's name; what the process writes goes there, unless `discard` sends its stdout to /dev/null. */
  readonly log: string;
  readonly discard?: boolean;
}

/** Starts a process with a bare environment, so that nothing of the caller's shell changes a measurement. */
export function start(command: readonly string[], { cwd, env, core, log, discard }: StartOptions): Started {
  mkdirSync(logs, { recursive: true });
  const path = join(logs, `${log}.log`);
  const out = openSync(path, 'w');
  const [file = '', ...args] = pinned(core, command);
  const bare = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', LANG: 'C.UTF-8' };
  const child = spawn(file, args, { cwd, env: { ...bare, ...env }, stdio: ['ignore', discard ? 'ignore' : out, out] });
  closeSync(out);
  child.on('error', () => undefined); // Without a pid it has failed, and says so below.
  if (child.pid === undefined) throw new Error(`cannot start ${file}`);
  return { pid: child.pid, child, log: path, stop: onExit(() => stop(child)) };
}

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** Throws when the process has ended by itself: what was measured or compared meanwhile is worth nothing. */
export function assertAlive({ child, log }: Started): void {
  if (ended(child)) throw new Error(`it ended by itself (${child.exitCode ?? child.signalCode}): ${lastLine(log)}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (ended(child) || child.pid === undefined) return;
  const members = pidsOf(child.pid);
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const grace = new AbortController();
  await Promise.race([gone, sleep(graceMs, undefined, { signal: grace.signal })]);
  grace.abort();
  if (ended(child)) return;
  for (const pid of members) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
  await gone;
}

export interface Answer {
  /** 0 when there was no answer at all. */
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

interface GetOptions {
  readonly agent?: http.Agent;
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One GET on 127.0.0.1. Without an agent it is a connection of its own, so that nothing outlives it. */
export function get(port: number, path: string, { agent, timeoutMs = 5_000, headers = {} }: GetOptions = {}): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const from = performance.now();
  const done = (status: number, body: string) => resolve({ status, body, ms: performance.now() - from });
  const request = http.get({ host: '127.0.0.1', port, path, headers, agent: agent ?? false, timeout: timeoutMs }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => (body += text));
    response.on('end', () => done(response.statusCode ?? 0, body));
    response.on('error', () => done(0, body));
  });
  request.on('error', () => done(0, ''));
  request.on('timeout', () => request.destroy());
  return promise;
}

interface First200Options {
  readonly headers?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
}

/** Milliseconds until the first 200. Throws when the process ends before, or the limit passes. */
export async function first200(port: number, path: string, started: Started, { headers = {}, limitMs = 30_000 }: First200Options = {}): Promise<number> {
  const from = performance.now();
  while (performance.now() - from < limitMs) {
    if ((await get(port, path, { headers })).status === 200) return performance.now() - from;
    assertAlive(started);
    await sleep(2);
  }
  throw new Error(`no 200 from ${path} within ${limitMs} ms: ${lastLine(started.log)}`);
}

/** The last line that says something; a crash of Node ends with its version, which does not. */
export function lastLine(path: string): string {
  const lines = readFileSync(path, 'utf8').split('\n').map((line) => line.trim()).filter(Boolean);
  const errors = lines.filter((line) => /error/i.test(line));
  return (errors.at(-1) ?? lines.at(-1) ?? 'it said nothing').slice(0, 200);
}

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('expected a TCP port');
  return address.port;
}
