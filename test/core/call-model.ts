import { vi } from 'vitest';
import type { Call } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { Ear } from './ear.ts';

// The rules of calls once more, with arrays and no cleverness, side by side with the real thing.

/** Somebody whom a call tells of its end: a call inside it, or a listener. */
interface Told {
  tells: ModelCall | undefined;
  readonly heard: string[];
  stopped(code: string): void;
}

function leave(told: Told): void {
  const { tells } = told;
  if (tells) tells.told = tells.told.filter((other) => other !== told);
  told.tells = undefined;
}

export class ModelCall implements Told {
  readonly real: Call;
  readonly deadlineAt: number;
  /** Newest first. */
  told: Told[] = [];
  tells: ModelCall | undefined;
  timerAt: number | undefined;
  readonly heard: string[];

  constructor(real: Call, tells: ModelCall | undefined, deadlineAt: number, timerAt?: number) {
    const over = tells !== undefined && tells.heard.length > 0;
    this.real = real;
    this.deadlineAt = deadlineAt;
    this.timerAt = over ? undefined : timerAt;
    this.tells = over ? undefined : tells;
    this.heard = over ? [...tells.heard] : [];
    this.tells?.told.unshift(this);
  }

  stopped(code: string): void {
    if (this.heard.length > 0) return;
    this.heard.push(code);
    this.timerAt = undefined;
    leave(this);
    for (let [next] = this.told; next; [next] = this.told) {
      leave(next);
      next.stopped(code);
    }
  }
}

/** A listener; it may make another one leave when it hears. */
export class ModelEar implements Told {
  readonly real: Ear;
  readonly call: Call;
  readonly drops: ModelEar | undefined;
  tells: ModelCall | undefined;
  readonly heard: string[] = [];

  constructor(tells: ModelCall, drops?: ModelEar) {
    this.call = tells.real;
    this.drops = drops;
    this.real = new Ear(() => { drops?.call.unlisten(drops.real); });
    this.tells = tells;
    tells.told.unshift(this);
    tells.real.listen(this.real);
  }

  stopped(code: string): void {
    this.heard.push(code);
    if (this.drops) leave(this.drops);
  }
}

/** Does everything twice: to the calls under test and to the model. */
export class Twice {
  readonly calls: ModelCall[] = [];
  readonly ears: ModelEar[] = [];
  #now = 0;

  get timers(): number {
    return this.calls.filter(({ timerAt }) => timerAt !== undefined).length;
  }

  start(call: Call, ms: number): void {
    this.calls.push(new ModelCall(call, undefined, this.#now + ms, this.#now + ms));
  }

  within(parent: ModelCall, ms: number): void {
    const at = this.#now + ms;
    const own = parent.real.within(ms);
    this.calls.push(at < parent.deadlineAt ? new ModelCall(own, parent, at, at) : new ModelCall(own, parent, parent.deadlineAt));
  }

  inner(parent: ModelCall): void {
    this.calls.push(new ModelCall(parent.real.inner(), parent, parent.deadlineAt));
  }

  listen(call: ModelCall, drops?: ModelEar): void {
    if (call.heard.length === 0) this.ears.push(new ModelEar(call, drops));
  }

  unlisten(call: ModelCall, ear: ModelEar): void {
    call.real.unlisten(ear.real);
    if (ear.tells === call) leave(ear);
  }

  stop(call: ModelCall): void {
    call.real.stop(new Failure('client_gone', 'the client went away'));
    call.stopped('client_gone');
  }

  end(call: ModelCall): void {
    call.real.end();
    call.stopped('call_over');
  }

  pass(ms: number): void {
    this.#now += ms;
    for (let next = this.#due(); next; next = this.#due()) next.stopped('deadline_exceeded');
    vi.advanceTimersByTime(ms);
  }

  #due(): ModelCall | undefined {
    const timed = this.calls.filter(({ timerAt = Infinity }) => timerAt <= this.#now);
    return timed.toSorted((a, b) => (a.timerAt ?? 0) - (b.timerAt ?? 0))[0];
  }
}
