import cluster, { type Worker } from 'node:cluster';
import { type FromWorker, read, type ToWorker } from './worker-messages.ts';

/** Half a second where nothing else runs. One that takes so much longer hangs. */
const startMs = 60_000;

/** How a process ended: with a code, or by a signal. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A worker that ended before it listened. */
export class NotStarted extends Error {
  override readonly name = 'NotStarted';
  readonly code: number | null;

  constructor({ code, signal }: Ended) {
    super(`expected a worker to listen, but it ended with ${code ?? signal}`);
    this.code = code;
  }
}

/** A worker as its supervisor sees it. Forked by making one. */
export class WorkerProcess {
  readonly since = performance.now();
  /** Resolves when it listens, rejects with a NotStarted if it ends before. */
  readonly listening: Promise<void>;
  /** Resolves when it has ended and no connection can be handed to it any more. */
  readonly gone: Promise<Ended>;
  /** How long its end may take; undefined until it listens. */
  endsWithinMs: number | undefined;
  readonly #worker: Worker;
  #counted: PromiseWithResolvers<void> | undefined;

  /** `heard` is told what it says, but that it listens. */
  constructor(heard: (message: FromWorker | ToWorker) => void) {
    const worker = cluster.fork();
    this.#worker = worker;
    this.gone = goneOf(worker);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const limit = setTimeout(() => { this.kill(); }, startMs);
    worker.on('message', (message: unknown) => {
      const said = read(message);
      if (said?.about === 'listening') {
        this.endsWithinMs = said.endsWithinMs;
        resolve();
      } else if (said) {
        heard(said);
      }
      if (said?.about === 'counted') this.#countIsOver();
    });
    void this.gone.then((ended) => {
      reject(new NotStarted(ended));
      this.#countIsOver();
    });
    this.listening = promise.finally(() => { clearTimeout(limit); });
    // Whoever ends the service does not wait for its start.
    this.listening.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  /** A message to one that has ended goes nowhere. */
  tell(message: ToWorker): void {
    if (this.#worker.isConnected()) this.#worker.send(message, undefined, () => undefined);
  }

  /** Resolves when it has said what it has counted, or has ended. */
  async count(): Promise<void> {
    // One that does not listen yet has counted nothing.
    if (this.endsWithinMs === undefined) return;
    this.#counted ??= Promise.withResolvers<void>();
    this.tell({ about: 'count' });
    await this.#counted.promise;
  }

  /**
   * Makes it end in order. By message, since Ctrl-C signals all processes of a terminal, and a second signal would end
   * it at once. While it starts it reads no messages yet.
   */
  end(): void {
    if (this.endsWithinMs === undefined) this.#worker.process.kill('SIGTERM');
    else this.tell({ about: 'end' });
  }

  /** Makes it end in order, since another one has its place; resolves when it has. It is killed if it takes too long. */
  async retire(): Promise<void> {
    const limit = setTimeout(() => { this.kill(); }, this.endsWithinMs);
    this.tell({ about: 'retire' });
    await this.gone;
    clearTimeout(limit);
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  #countIsOver(): void {
    this.#counted?.resolve();
    this.#counted = undefined;
  }
}

function goneOf(worker: Worker): Promise<Ended> {
  const exited = new Promise<Ended>((resolve) => {
    worker.once('exit', (code: number | null, signal: string | null) => { resolve({ code, signal }); });
    // Not even started: there are too many processes, or no memory.
    worker.on('error', (error) => { if (worker.process.pid === undefined) resolve({ code: null, signal: error.message }); });
  });
  const disconnected = new Promise<void>((resolve) => { worker.once('disconnect', resolve); });
  return exited.then(async (ended) => {
    if (worker.isConnected()) await disconnected;
    return ended;
  });
}
