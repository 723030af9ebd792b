import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { request, type Reply } from '../support/http-client.ts';
import { bounded, Changes } from '../support/until.ts';
import type { LogLine } from './gateway.ts';

/** Half a second where nothing else runs; here half a dozen start at the same time on a machine that may be busy. */
const startMs = 90_000;
/** Below a drain that is told to take a minute. */
const endMs = 30_000;

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The sources without their types, as Node compiled them: a third less to start the next time. */
const compiled = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url));

export type Environment = Readonly<Record<string, string>>;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the service as `npm start` does, from its sources, with this environment and nothing of ours. On a busy machine a connection may take its time, and nothing is left out for the load. */
function start(environment: Environment, options: readonly string[] = [], otel: readonly string[] = ['--import', './otel/start.ts']): ChildProcess {
  const child = spawn(process.execPath, [...otel, 'src/main.ts', ...options], {
    cwd: root,
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compiled, HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', POOL_WAIT_MS: '10000', CACHE: 'off', ADMISSION: 'off', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A test that is given up by its runner disposes of nothing.
  const end = () => { child.kill('SIGKILL'); };
  process.once('exit', end);
  child.once('close', () => { process.off('exit', end); });
  return child;
}

/** Runs the service until it ends by itself. */
export async function runService(environment: Environment, ...options: string[]): Promise<Ended> {
  const child = start(environment, options);
  try {
    const ended = Promise.all([once(child, 'close'), text(child.stdout!), text(child.stderr!)]);
    const [[code], stdout, stderr] = await bounded(ended, () => 'expected the service to end', startMs);
    return { code: code as number | null, stdout, stderr };
  } finally {
    child.kill('SIGKILL');
  }
}

/** The service as a process of its own. `await using` ends it, however it is doing. */
export class Service implements AsyncDisposable {
  /** Its log, parsed. */
  readonly log: LogLine[] = [];
  stderr = '';
  readonly #child: ChildProcess;
  readonly #changes = new Changes();
  readonly #ended: Promise<number | null>;
  #over = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.log.push(JSON.parse(line) as LogLine);
      this.#changes.announce();
    });
    child.stderr!.on('data', (bytes: Buffer) => { this.stderr += bytes.toString(); });
    this.#ended = once(child, 'close').then(([code, signal]: unknown[]) => {
      this.#over = true;
      this.#changes.announce();
      // As a shell tells it.
      return typeof signal === 'string' ? -1 : (code as number | null);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#listening['port'])}`;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${String(this.#listening['admin_port'])}`;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get over(): boolean {
    return this.#over;
  }

  ask(userId: string | number, options?: Parameters<typeof request>[1]): Promise<Reply> {
    return request(`${this.url}/api/aggregated?user_id=${userId}`, options);
  }

  /** What one of its probes says. */
  probe(path: string): Promise<Reply> {
    return request(`${this.adminUrl}${path}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the first line that says `msg`, once it has been logged. */
  async logged(msg: string): Promise<LogLine> {
    const find = () => this.log.find((line) => line['msg'] === msg);
    await this.#changes.until(() => {
      if (this.#over && !find()) throw new Error(`expected "${msg}", but the service ended, saying ${this.#said}`);
      return find() !== undefined;
    }, () => `expected "${msg}", but got ${this.#said}`, startMs);
    return find()!;
  }

  /** Resolves with the lines that `matches` once there are so many. */
  async lines(matches: (line: LogLine) => boolean, count: number): Promise<readonly LogLine[]> {
    const found = () => this.log.filter(matches);
    await this.#changes.until(() => {
      if (this.#over && found().length < count) throw new Error(`expected ${count} lines, but the service ended, saying ${this.#said}`);
      return found().length >= count;
    }, () => `expected ${count} lines, but got ${found().length}: ${this.#said}`, startMs);
    return found();
  }

  /** Resolves with the exit code once it and its workers have ended; -1 if a signal ended it. */
  ended(): Promise<number | null> {
    return bounded(this.#ended, () => `expected the service to end, but it only said ${this.#said}`, endMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  get #said(): string {
    return `${this.log.map((line) => JSON.stringify(line)).join('\n')}\n${this.stderr}`;
  }

  get #listening(): LogLine {
    const line = this.log.find(({ msg }) => msg === 'listening');
    if (!line) throw new Error('expected a service that listens, but it does not yet');
    return line;
  }
}

/** Starts the service; resolves once it listens. */
export async function startService(environment: Environment, otel?: readonly string[]): Promise<Service> {
  const service = new Service(start(environment, [], otel));
  try {
    await service.logged('listening');
    return service;
  } catch (error) {
    await service[Symbol.asyncDispose]();
    throw error;
  }
}
