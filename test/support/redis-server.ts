import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { freePort } from '../../demo/process/free-port.ts';
import { leash, type Leash } from '../../demo/process/leash.ts';
import { onPath } from '../../demo/process/on-path.ts';
import { connectWire, type Reply } from './redis-wire.ts';
import { bounded, Changes } from './until.ts';

export type Settings = Readonly<Record<string, string>>;

/** The redis-server on the PATH, if there is one. */
export const redisServerPath = (): string | undefined => onPath('redis-server');

/** A real Redis for one test alone, to be frozen, killed and misconfigured at will. It keeps nothing unless told to. `await using` stops it. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Its working directory: dumps are written there. */
  readonly dir: string;
  readonly #settings: Settings;
  readonly #changes = new Changes();
  #child: ChildProcessByStdio<null, Readable, null> | undefined;
  #leash: Leash | undefined;
  #log = '';

  constructor(dir: string, port: number, settings: Settings) {
    this.dir = dir;
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#settings = settings;
  }

  get pid(): number {
    if (!this.#child?.pid) throw new Error('expected the Redis to run, but it does not');
    return this.#child.pid;
  }

  /** Starts it, with these settings on top of its own. Resolves once it accepts connections, though it may still be loading. */
  async start(more: Settings = {}): Promise<void> {
    const settings: Settings = {
      bind: '127.0.0.1', port: String(this.port), dir: this.dir, save: '""', appendonly: 'no', 'enable-debug-command': 'yes', ...this.#settings, ...more,
    };
    const file = join(this.dir, 'redis.conf');
    await writeFile(file, Object.entries(settings).map(([name, value]) => `${name} ${value}\n`).join(''));
    const path = redisServerPath();
    if (!path) throw new Error('expected a redis-server on the PATH, but got none');
    const sentinel = Object.keys(settings).some((name) => name.startsWith('sentinel '));
    this.#log = '';
    const child = spawn(path, [file, ...(sentinel ? ['--sentinel'] : [])], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#child = child;
    this.#leash = leash(this.pid, 'TERM', this.dir);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
      this.#changes.announce();
    });
    const ended = once(child, 'exit').then(() => { throw new Error(`expected the Redis to run, but it ended:\n${this.#log}`); });
    const listens = this.#changes.until(() => /Server initialized|Ready to accept|Sentinel ID is/.test(this.#log), () => `expected the Redis to listen, but got:\n${this.#log}`, 10_000);
    await Promise.race([ended, listens]);
    ended.catch(() => undefined);
  }

  /** From now on it does nothing, and nobody is told: its sockets stay, and the kernel takes new ones in its name. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** As a crash: what it knew is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await gone;
    this.#leash?.release();
  }

  /** Crashes, and starts again on the same port. */
  async restart(more: Settings = {}): Promise<void> {
    await this.kill();
    await this.start(more);
  }

  /** One command on a connection of its own. Rejects if Redis answers with an error, and after a while if with nothing. */
  async send(...words: readonly string[]): Promise<Reply> {
    using wire = await connectWire(this.port);
    return await bounded(wire.send(...words), () => `expected an answer to ${words[0]}, but got none`);
  }

  /** How often it was asked to do each command since it started, scripts' own commands included. */
  async commandCounts(): Promise<ReadonlyMap<string, number>> {
    const stats = String(await this.send('INFO', 'commandstats'));
    return new Map([...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = '', calls]) => [name, Number(calls)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A Redis that is not started yet. */
export async function createRedisServer(settings: Settings = {}): Promise<RedisServer> {
  return new RedisServer(await mkdtemp(join(tmpdir(), 'tributary-redis-')), await freePort(), settings);
}

/** Tests of other processes look for free ports as well, and one may be faster. */
const attemptsMax = 5;

/**
 * Starts a Redis of its own, with settings as in redis.conf: `{ maxmemory: '2mb' }`; a function of them is asked for each
 * attempt, where they name more ports.
 */
export async function startRedis(settings: Settings | (() => Promise<Settings>) = {}): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const server = await createRedisServer(typeof settings === 'function' ? await settings() : settings);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      if (attempt === attemptsMax || !String(error).includes('Address already in use')) throw error;
    }
  }
}
