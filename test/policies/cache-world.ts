import { expect, vi } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { type Call, Listener, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { cached } from '../../src/policies/cached.ts';
import { CachePlan } from '../../src/policies/cache-plan.ts';
import { settled } from '../core/fake-time.ts';
import { type Script, scripted } from '../support/scripted.ts';
import { json, lost, notFound, type Question, type Text } from './cache-stage.ts';
import { type Door, ScriptedTier } from './shared-tier.ts';

/** In milliseconds: fresh, then stale for longer where loading fails than where it goes on. */
export const freshMs = 200;
export const graceMs = 400;
export const totalMs = 800;
export const negativeMs = 100;
/** By how much the cache may think that something is older: from when it was first asked for until its load began. */
const slackMs = 120;

export const users = ['ada', 'bob'] as const;
type User = (typeof users)[number];

/** A load as the source saw it: of whom, when it began, and how often what it reads had been changed by then. */
interface Load {
  readonly user: User;
  readonly startedAt: number;
  readonly version: number;
  found: 'nothing' | 'something' | undefined;
}

interface Asker {
  readonly call: Call;
  readonly process: Process;
  readonly user: User;
  readonly askedAt: number;
  /** The version that this process had heard of when it asked. */
  readonly floor: number;
  state: 'pending' | 'answered' | 'failed';
}

interface Process {
  readonly cache: Cache;
  readonly door: Door;
  readonly script: Script<Question, Text>;
  readonly loads: Load[];
  readonly ask: (question: Question, call: Call) => Promise<Text>;
  /** For each user: the version that this process has heard of. */
  readonly floors: Record<User, number>;
  /** When joining was last disturbed: by an invalidation, an outage or a reload. */
  readonly disturbedAt: Record<User, number>;
}

/** Two processes with one shared tier over data that changes, and what they must never answer. */
export class World {
  readonly tier = new ScriptedTier();
  readonly processes = [this.#process(), this.#process()] as const;
  readonly askers: Asker[] = [];
  readonly #truth: Record<User, number> = { ada: 0, bob: 0 };
  /** What the shared tier has heard of, and what it will hear of when the process gets through to it. */
  readonly #tierFloors: Record<User, number> = { ada: 0, bob: 0 };
  readonly #owed: (readonly [Process, User, number])[] = [];
  readonly #onFault: (fault: unknown) => void;

  /** Told of what is found wrong where nothing may be thrown. */
  constructor(onFault: (fault: unknown) => void) {
    this.#onFault = onFault;
  }

  ask(at: number, user: User, ms: number, reload = false): void {
    const process = this.processes[at]!;
    const call = startCall(ms);
    call.reload = reload;
    if (reload) process.disturbedAt[user] = performance.now();
    const asker: Asker = { call, process, user, askedAt: performance.now(), floor: process.floors[user], state: 'pending' };
    this.askers.push(asker);
    call.listen(new InTime(() => { this.#inTime(asker); }));
    process.ask({ user, hint: `of asker ${this.askers.length}` }, call).then(
      (answer) => { this.#answered(asker, answer); },
      (error: unknown) => { this.#failed(asker, error); },
    );
  }

  leave(at: number): void {
    this.askers[at % this.askers.length]?.call.stop(new Failure('client_gone', 'the client went away'));
  }

  /** Of those that are under way, the first is number 0, and the last one -1. */
  land(at: number, which: number, how: 'answers' | 'fails' | 'finds nothing'): void {
    const { script, loads } = this.processes[at]!;
    const open = script.asked.filter(({ landed }) => !landed);
    const ask = open.at(which < 0 ? which : which % open.length);
    if (!ask) return;
    const load = loads[script.asked.indexOf(ask)]!;
    if (how === 'fails') return ask.reject(lost);
    load.found = how === 'answers' ? 'something' : 'nothing';
    if (how === 'answers') ask.resolve(json({ user: load.user, version: load.version, startedAt: load.startedAt }));
    else ask.reject(notFound);
  }

  /** The data changes, and this process is told by whoever changed it. */
  async change(at: number, user: User, group: boolean): Promise<void> {
    const process = this.processes[at]!;
    const changed = group ? users : [user];
    for (const one of changed) this.#truth[one]++;
    const shut = process.door.shut;
    const told = await process.cache.invalidate(group ? ['users:*'] : [`users:${user}`]);
    for (const one of changed) {
      this.#heard(process, one, this.#truth[one]);
      if (told) this.#tierHeard(one, this.#truth[one]);
      else if (shut) this.#owed.push([process, one, this.#truth[one]]);
    }
  }

  close(at: number): void {
    const process = this.processes[at]!;
    process.door.close();
    for (const user of users) process.disturbedAt[user] = performance.now();
  }

  open(at: number): void {
    const process = this.processes[at]!;
    process.door.open();
    for (const [of, user, version] of this.#owed) if (of === process) this.#tierHeard(user, version);
    for (const user of users) this.#heard(process, user, this.#tierFloors[user]);
  }

  async pass(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
  }

  /** What has to be so at every moment. */
  check(): void {
    const now = performance.now();
    for (const { call, state } of this.askers) if (call.deadlineAt < now) expect(state).not.toBe('pending');
    for (const { script, loads, disturbedAt } of this.processes) {
      for (const user of users) {
        const joinable = script.asked.filter(({ landed, stopped, call }, at) =>
          loads[at]!.user === user && !landed && !stopped && now < call.deadlineAt && loads[at]!.startedAt > disturbedAt[user] + slackMs);
        expect(joinable.length, 'loads of one thing in one process, any of which could be joined').toBeLessThanOrEqual(1);
      }
    }
  }

  /** Everybody leaves; a refresh may have some seconds more. */
  async end(): Promise<void> {
    for (const { call } of this.askers) call.end();
    await settled();
    await this.pass(6_000);
    expect(this.askers.filter(({ state }) => state === 'pending')).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  }

  #process(): Process {
    const door = this.tier.door();
    const cache = new Cache({ bytesMax: 1_000_000, shared: door });
    const plan = new CachePlan<Question>('profile', {
      in: cache, subject: 'user', fresh: `${freshMs}ms`, stale: `${graceMs - freshMs}ms`, staleIfError: `${totalMs - freshMs}ms`, negative: `${negativeMs}ms`,
      tags: ({ user }) => [`users:${user}`],
    });
    const script = scripted<Question, Text>();
    const loads: Load[] = [];
    const ask = cached<Question, Text>(cache, plan)((question, call) => {
      expect(question, 'what no key says').not.toHaveProperty('hint');
      const user = question.user as User;
      loads.push({ user, startedAt: performance.now(), version: this.#truth[user], found: undefined });
      return script.source(question, call);
    });
    return { cache, door, script, loads, ask, floors: { ada: 0, bob: 0 }, disturbedAt: { ada: -Infinity, bob: -Infinity } };
  }

  #heard(process: Process, user: User, version: number): void {
    process.floors[user] = Math.max(process.floors[user], version);
    process.disturbedAt[user] = performance.now();
  }

  #tierHeard(user: User, version: number): void {
    this.#tierFloors[user] = Math.max(this.#tierFloors[user], version);
    for (const process of this.processes) if (!process.door.shut) this.#heard(process, user, version);
  }

  #answered(asker: Asker, answer: Text): void {
    asker.state = 'answered';
    this.#judge(asker, answer);
  }

  /** As an aggregate does at its deadline: what there is then is served rather than nothing. */
  #inTime(asker: Asker): void {
    if (asker.call.reason?.code !== 'deadline_exceeded') return;
    const answer = asker.call.flight.inTime() as Text | undefined;
    if (!answer || asker.state !== 'pending') return;
    if (asker.call.flight.served !== 'stale') this.#onFault(new Error(`expected it to be stale, but it is ${asker.call.flight.served}`));
    this.#judge(asker, answer);
  }

  /** Judges in a callback of the code under test, where it must not throw. */
  #judge(asker: Asker, answer: Text): void {
    try {
      this.#right(asker, answer);
    } catch (fault) {
      this.#onFault(fault);
    }
  }

  #right({ call, process, user, floor }: Asker, answer: Text): void {
    const now = performance.now();
    const { served, kept } = call.flight;
    const value = answer.parse() as { user: User; version: number; startedAt: number };
    expect(value.user, 'whose it is').toBe(user);
    const ageMs = now - value.startedAt;
    if (served !== 'live') expect(ageMs, `how old it is, as it is ${served}`).toBeLessThan(served === 'cache' ? freshMs : totalMs);
    // Who waits for a load when something changes may have what was asked for before.
    expect(value.version, 'what this process has heard of').toBeGreaterThanOrEqual(served === 'live' ? floor : process.floors[user]);
    if (served !== 'live') expect(kept).toBeDefined();
    if (!kept) return;
    expect(kept.storedAt, 'when its load began, as it says').toBeLessThanOrEqual(value.startedAt);
    expect(kept.storedAt, 'when its load began, as it says').toBeGreaterThanOrEqual(value.startedAt - slackMs);
  }

  #failed(asker: Asker, error: unknown): void {
    asker.state = 'failed';
    if (error === asker.call.reason || error === lost) return;
    if (!(error instanceof Failure && error.code === 'not_found')) return this.#onFault(error);
    const since = Math.min(asker.askedAt, performance.now() - negativeMs);
    const found = this.processes.flatMap(({ loads }) => loads)
      .filter((load) => load.user === asker.user && load.found === 'nothing' && load.startedAt >= since - slackMs - 1_000 && load.version >= asker.floor);
    if (found.length === 0) this.#onFault(new Error(`expected a load that has found nothing for ${asker.user}, but there was none`));
  }
}

class InTime extends Listener {
  readonly #hear: () => void;

  constructor(hear: () => void) {
    super();
    this.#hear = hear;
  }

  override stopped(): void {
    this.#hear();
  }
}
