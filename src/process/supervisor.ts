import { pino, type Logger } from 'pino';
import { FleetCounts } from './fleet-counts.ts';
import { Seat } from './seat.ts';
import { NotStarted, WorkerProcess } from './worker-process.ts';
import { workersIn } from './workers.ts';

/**
 * Starts the workers, replaces those that die, and ends with them. Serves nobody and knows no configuration but how many:
 * what is wrong with the rest, the first worker says.
 */
export function supervise(): void {
  const supervisor = new Supervisor(workersIn(process.env['WORKERS']), createLog());
  const early = process.listeners('SIGTERM');
  process.on('SIGTERM', (signal) => { void supervisor.end(signal); });
  // Not before there is another one: in a moment without any, Node would lose a signal that has already been caught.
  for (const listener of early) process.off('SIGTERM', listener);
  process.on('SIGINT', (signal) => { void supervisor.end(signal); });
  process.on('SIGHUP', () => { void supervisor.roll(); });
  void supervisor.start();
}

class Supervisor {
  readonly #log: Logger;
  readonly #seats: readonly Seat[];
  readonly #alive = new Set<WorkerProcess>();
  readonly #counts = new FleetCounts();
  #ending = false;
  #rolling = false;
  #rollAgain = false;

  constructor(count: number, log: Logger) {
    this.#log = log;
    const options = { log, fork: () => this.#fork(), ending: () => this.#ending };
    this.#seats = Array.from({ length: count }, () => new Seat(options));
  }

  /** The first one alone: what is wrong is said once, and the first answer is not delayed by the others' starts. */
  async start(): Promise<void> {
    this.#rolling = true;
    try {
      await this.#seats[0]?.take();
    } catch (error) {
      if (this.#ending) return;
      // As a process that serves alone would: whoever started it knows what to do about a service that cannot start.
      process.exit(error instanceof NotStarted ? (error.code ?? 1) : 1);
    }
    await Promise.all(this.#seats.slice(1).map((seat) => seat.fill()));
    this.#log.info({ workers: this.#seats.length }, 'all workers listen');
    this.#rolling = false;
    if (this.#rollAgain) await this.roll();
  }

  /** Replaces all workers, one after the other. Asked for while it is done, it is done once more afterwards. */
  async roll(): Promise<void> {
    if (this.#rolling) {
      this.#rollAgain = true;
      this.#log.info('a restart of the workers is remembered: they are being started');
      return;
    }
    this.#rolling = true;
    do {
      this.#rollAgain = false;
      await this.#replaceAll();
    } while (this.#rollAgain && !this.#ending);
    this.#rolling = false;
  }

  /** The first signal lets all workers end in order, the second one ends them at once. */
  async end(signal: string): Promise<void> {
    if (this.#ending) {
      this.#log.warn({ signal }, 'all workers are ended at once');
      for (const worker of this.#alive) worker.kill();
      process.exit(130);
    }
    this.#ending = true;
    this.#log.info({ signal, workers: this.#alive.size }, 'the workers are told to end');
    const withinMs = Math.max(...[...this.#alive].map(({ endsWithinMs = 0 }) => endsWithinMs), 5_000);
    setTimeout(() => {
      this.#log.error({ workers: this.#alive.size }, 'workers that did not end are killed');
      for (const worker of this.#alive) worker.kill();
      process.exit(1);
    }, withinMs);
    const all = [...this.#alive];
    for (const worker of all) worker.end();
    await Promise.all(all.map(({ gone }) => gone));
    this.#log.info('all workers have ended');
    process.exit(0);
  }

  async #replaceAll(): Promise<void> {
    this.#log.info('restarting the workers');
    for (const seat of this.#seats) {
      if (this.#ending) return;
      // What one could not do the next ones cannot either, and they still serve.
      if (!(await seat.replace())) return;
    }
    this.#log.info('all workers are new');
  }

  #fork(): WorkerProcess {
    const worker = new WorkerProcess((message) => {
      if (message.about === 'forget') for (const other of this.#alive) if (other !== worker) other.tell(message);
      if (message.about === 'counted') this.#counts.heard(worker, message.readings);
      if (message.about === 'count all') void this.#counts.ask(this.#alive).then((readings) => { worker.tell({ about: 'all counted', readings }); });
    });
    this.#alive.add(worker);
    void worker.gone.then(() => {
      this.#alive.delete(worker);
      this.#counts.left(worker);
    });
    return worker;
  }
}

function createLog(): Logger {
  // A bad LOG_LEVEL is the first worker's to complain of.
  const level = process.env['LOG_LEVEL'] ?? '';
  const known = level in pino.levels.values || level === 'silent';
  return pino({ level: known ? level : 'info', base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ sync: true }));
}
