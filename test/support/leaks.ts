import { createHook } from 'node:async_hooks';
import { EventEmitter, getEventListeners } from 'node:events';
import { vi } from 'vitest';
import { Changes, patienceMs } from './until.ts';

/** Something that was made while the watch was on and is still there. */
export interface Left {
  /** What async_hooks calls it: `Timeout`, `TCPWRAP`, `TCPSERVERWRAP`, … */
  readonly type: string;
  /** Where it was made: the first frame outside of Node, or nothing if Node made it by itself (an accepted socket). */
  readonly madeAt: string | undefined;
}

export interface WatchOptions {
  /** Whose listeners have to be as many at the end as now. */
  readonly emitters?: Readonly<Record<string, EventEmitter | AbortSignal>>;
  /** What may stay, for instance the idle connections and timers of a pool that outlives the test. */
  readonly allow?: (left: Left) => boolean;
  /** For what needs the other side to go: a FIN, a process that ends. Only a leak waits that long. */
  readonly settleMs?: number;
}

// What keeps something open or running later. Promises, ticks and finished requests are the collector's business.
const watched = new Set([
  'Timeout', 'TCPWRAP', 'TCPSERVERWRAP', 'TCPCONNECTWRAP', 'PIPEWRAP', 'PIPESERVERWRAP', 'TLSWRAP', 'UDPWRAP',
  'HTTP2SESSION', 'PROCESSWRAP', 'WORKER', 'FSEVENTWRAP', 'STATWATCHER', 'FILEHANDLE', 'SIGNALWRAP',
]);

// The test's own runner and the bounds of its waits come and go by themselves.
const runners = /\/node_modules\/vitest\/|\/support\/(?:until|leaks)\.ts/;

// A socket that was destroyed is gone two or three turns later; 20 is far from there and costs nothing.
const turnsMax = 20;

/** Watches from now on what is made and not ended. One watch, one `assertNone`. */
export function watchLeaks({ emitters = {}, allow = () => false, settleMs = patienceMs }: WatchOptions = {}): Watch {
  return new Watch({ emitters, allow, settleMs });
}

export class Watch implements Disposable {
  readonly #alive = new Map<number, { readonly left: Left; readonly resource: object }>();
  readonly #faults: string[] = [];
  readonly #changes = new Changes();
  readonly #options: Required<WatchOptions>;
  readonly #listenersBefore: Map<string, number>;
  readonly #fakeTimersBefore = fakeTimers();

  // What getActiveResourcesInfo() knows, and also where each was made: "1 Timeout" is no message to work with.
  readonly #hook = createHook({
    init: (id, type, _, resource) => {
      if (!watched.has(type)) return;
      const madeAt = callerOf(new Error().stack);
      if (!madeAt || !runners.test(madeAt)) this.#alive.set(id, { left: { type, madeAt }, resource });
    },
    destroy: (id) => {
      if (this.#alive.delete(id)) this.#changes.announce();
    },
    trackPromises: false,
  });
  readonly #onRejection = (reason: unknown) => {
    this.#faults.push(`a rejection nobody handled: ${reason instanceof Error ? reason.stack : String(reason)}`);
  };
  readonly #onWarning = (warning: Error) => {
    if (warning.name === 'MaxListenersExceededWarning') this.#faults.push(warning.message);
  };

  constructor(options: Required<WatchOptions>) {
    this.#options = options;
    this.#listenersBefore = countListeners(options.emitters);
    this.#hook.enable();
    process.on('unhandledRejection', this.#onRejection).on('warning', this.#onWarning);
  }

  /** Resolves if, once everything had its chance to end, nothing is left; else rejects and names what is. */
  async assertNone(): Promise<void> {
    for (let turn = 0; turn < turnsMax; turn++) await turnOfTheLoop();
    // Node reports what was destroyed when the loop next turns, but does not turn it for that; a pulse does.
    const pulse = startPulse(() => this.#changes.announce(), 5);
    try {
      await this.#changes.until(() => this.#remaining().length === 0, () => this.#tell(), this.#options.settleMs);
    } finally {
      stopPulse(pulse);
      this[Symbol.dispose]();
    }
    if (this.#faults.length > 0) throw new Error(this.#tell());
  }

  [Symbol.dispose](): void {
    this.#hook.disable();
    process.off('unhandledRejection', this.#onRejection).off('warning', this.#onWarning);
  }

  #tell(): string {
    return ['expected nothing left behind, but got', ...this.#faults, ...this.#remaining()].join('\n- ');
  }

  #remaining(): string[] {
    const handles = [...this.#alive.values()]
      .filter(({ left, resource }) => keepsRunning(resource) && !this.#options.allow(left))
      .map(({ left: { type, madeAt } }) => `${type}, made ${madeAt ?? 'by Node itself'}`);
    const listeners = [...countListeners(this.#options.emitters)].flatMap(([name, count]) => {
      const more = count - (this.#listenersBefore.get(name) ?? 0);
      return more > 0 ? [`${more} more listeners for ${name}`] : [];
    });
    const faked = fakeTimers() - this.#fakeTimersBefore;
    return [...handles, ...listeners, ...(faked > 0 ? [`${faked} more fake timers`] : [])];
  }
}

// Taken at import: with time faked, none of them would ever come.
const { setImmediate: soon, setInterval: startPulse, clearInterval: stopPulse } = globalThis;
const turnOfTheLoop = () => new Promise<void>((resolve) => { soon(resolve); });

const fakeTimers = (): number => (vi.isFakeTimers() ? vi.getTimerCount() : 0);

/** A timer that was unref'd holds nothing up (Node's own clock of HTTP dates is one); a socket counts, idle or not. */
const keepsRunning = (resource: object): boolean =>
  !('_idleTimeout' in resource && 'hasRef' in resource && typeof resource.hasRef === 'function' && !resource.hasRef());

function countListeners(emitters: NonNullable<WatchOptions['emitters']>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [name, emitter] of Object.entries(emitters)) {
    const events = emitter instanceof EventEmitter ? emitter.eventNames() : ['abort'];
    for (const event of events) {
      const count = emitter instanceof EventEmitter ? emitter.listenerCount(event) : getEventListeners(emitter, String(event)).length;
      counts.set(`${name} "${String(event)}"`, count);
    }
  }
  return counts;
}

/** The first frame outside of Node, below the hook itself. */
function callerOf(stack = ''): string | undefined {
  return stack
    .split('\n')
    .slice(2)
    .find((frame) => !frame.includes('node:'))
    ?.trim();
}
