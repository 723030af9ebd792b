import { type Call, startCall } from '../../src/core/call.ts';
import { Failure, PartFailure } from '../../src/core/failure.ts';
import { Judge } from './judge.ts';
import type { Question, ScreenPlan } from './plan.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

export interface Wish {
  readonly screen: number;
  readonly question: Question;
  readonly ms: number;
  readonly brownout: boolean;
  readonly reload: boolean;
  /** Takes the parts as they land, and leaves after so many. */
  readonly streams: number | undefined;
}

/** A request of one user: it ends with an answer or a failure by its deadline, or when its client leaves. */
export class Visit {
  readonly world: World;
  readonly process: Process;
  readonly screen: ScreenPlan;
  readonly question: Question;
  readonly brownout: boolean;
  readonly askedAt = performance.now();
  readonly deadlineAt: number;
  /** What this process had heard of when it was asked. */
  readonly floor: number;
  readonly #call: Call;
  #state = 'pending';
  #left: Failure | undefined;

  constructor(world: World, process: Process, { screen, question, ms, brownout, reload, streams }: Wish) {
    this.world = world;
    this.process = process;
    this.screen = world.plan.screens[screen]!;
    this.question = question;
    this.brownout = brownout;
    this.floor = world.data.floor(process.at, question.user);
    const limitMs = Math.min(ms, this.screen.deadlineMs);
    this.deadlineAt = this.askedAt + limitMs;
    this.#call = startCall(ms);
    this.#call.brownout = brownout;
    this.#call.reload = reload;
    world.journal.note(`${this.name} asks ${this.screen.name}@${process.at} for ${question.user}/${question.page} within ${limitMs} ms${brownout ? ', brownout' : ''}${reload ? ', reload' : ''}`);
    if (streams === undefined) this.#ask(process.screens[screen]!);
    else void this.#stream(process.screens[screen]!, streams);
    // After the engine's own timer of that moment, and all that it has set in motion.
    setTimeout(() => { this.#settledBy(`its deadline, ${limitMs} ms`); }, limitMs);
  }

  get name(): string {
    return `visit ${this.question.asker}`;
  }

  get pending(): boolean {
    return this.#state === 'pending';
  }

  /** It came whole, and nothing of it was missing. */
  get complete(): boolean {
    return this.#state === 'complete';
  }

  leave(): void {
    if (!this.pending) return;
    this.#left = new Failure('client_gone', `${this.name} went away`);
    this.world.journal.note(`${this.name} leaves`);
    this.world.journal.saw('a client left');
    this.#call.stop(this.#left);
    setTimeout(() => { this.#settledBy('leaving'); }, 0);
  }

  #ask(screen: Process['screens'][number]): void {
    screen(this.question, this.#call).then(
      (answer) => {
        const missing = answer.parts.filter(({ state }) => state === 'missing').map(({ part, failure }) => `${part} ${failure?.code}`);
        this.#ends(answer.complete ? 'complete' : 'answered', missing.length > 0 ? ` without ${missing.join(', ')}` : '');
        Judge.answer(this, answer);
      },
      (error: unknown) => { this.#failed(error); },
    );
  }

  async #stream(screen: Process['screens'][number], most: number): Promise<void> {
    const { journal } = this.world;
    let left = most;
    try {
      for await (const { name, value, reports } of screen.stream(this.question, this.#call)) {
        new Judge(this, reports).landed(this.screen.parts.find((part) => part.name === name)!, reports[0]!.state === 'missing' ? value : dataOf(value));
        if (--left === 0) break;
      }
      journal.saw('a stream was left early', left === 0 && most < this.screen.parts.length);
      this.#ends('answered');
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#ends('failed', `: ${error instanceof PartFailure ? `${error.part}, ` : ''}${String(error)}`);
    if (error !== this.#left) Judge.failure(this, error);
  }

  #ends(state: string, why = ''): void {
    this.#state = state;
    this.world.journal.note(`${this.name} ${state}${why}`);
    const listening = this.world.listening(this.#call);
    if (listening > 0) this.world.journal.fault(`${this.name} has ended, and ${listening} still listen to its call`);
    this.#call.end();
  }

  #settledBy(moment: string): void {
    const { journal } = this.world;
    journal.saw('the process was stalled past a deadline', performance.now() > this.deadlineAt);
    if (this.pending) journal.fault(`${this.name} still waits after ${moment}`);
  }
}

/** A part's value as its reader sees it. */
const dataOf = (value: unknown): unknown => (value as { parse?: () => unknown }).parse?.() ?? (value as { data: unknown }).data;
