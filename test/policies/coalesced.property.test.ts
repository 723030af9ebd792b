import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { type Call, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { coalesced } from '../../src/policies/coalesced.ts';
import { fakeTime, settled, watch, type Watched } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { type Script, scripted } from '../support/scripted.ts';

fakeTime();
const listening = watchListeners();

const clientGone = new Failure('client_gone', 'the client went away');
const lost = new Error('lost');

interface Asker {
  readonly call: Call;
  readonly load: number;
  readonly endsAt: number;
  readonly answer: { readonly now: Watched<number> };
  expected: Partial<Watched<number>>;
}

/** A load as it has to be: who waits for it, and whether newcomers may join. */
interface Load {
  readonly key: string;
  readonly endsAt: number;
  waiting: Asker[];
  open: boolean;
  landed: boolean;
  /** All left before it landed. */
  deserted: boolean;
}

/** The rules of sharing, kept in lists, beside the policy under test. */
class Sharing {
  readonly script: Script<string, number> = scripted<string, number>();
  readonly loads: Load[] = [];
  readonly askers: Asker[] = [];
  readonly #source = coalesced<string, number>((key) => key)(this.script.source);
  #now = 0;

  ask(key: string, ms: number): void {
    const open = this.loads.findLastIndex((load) => load.key === key && load.open && this.#now < load.endsAt);
    if (open < 0) {
      // The newer one has the place from now on.
      for (const load of this.loads) if (load.key === key) load.open = false;
      this.loads.push({ key, endsAt: this.#now + ms, waiting: [], open: true, landed: false, deserted: false });
    }
    const load = open < 0 ? this.loads.length - 1 : open;
    const call = startCall(ms);
    const asker: Asker = { call, load, endsAt: this.#now + ms, answer: watch(this.#source(key, call)), expected: { state: 'pending' } };
    this.askers.push(asker);
    this.loads[load]!.waiting.push(asker);
  }

  leave(asker: Asker): void {
    asker.call.stop(clientGone);
    this.#left(asker, { state: 'failed', error: clientGone });
  }

  land(at: number, fails: boolean): void {
    const load = this.loads[at]!;
    if (load.landed) return;
    load.landed = true;
    load.open = false;
    if (fails) this.script.asked[at]!.reject(lost);
    else this.script.asked[at]!.resolve(at);
    for (const asker of load.waiting) asker.expected = fails ? { state: 'failed', error: lost } : { state: 'answered', value: at };
    load.waiting = [];
  }

  pass(ms: number): void {
    this.#now += ms;
    vi.advanceTimersByTime(ms);
    for (const asker of this.askers.filter(({ endsAt }) => endsAt <= this.#now)) this.#left(asker, { state: 'failed', error: asker.call.reason });
  }

  check(): void {
    expect(this.script.asked.map(({ input }) => input)).toEqual(this.loads.map(({ key }) => key));
    expect(this.askers.map(({ answer }) => answer.now)).toMatchObject(this.askers.map(({ expected }) => expected));
    expect(this.script.asked.map(({ stopped }) => stopped)).toEqual(this.loads.map(({ deserted }) => deserted));
    expect(listening.size).toBe(this.loads.flatMap(({ waiting }) => waiting).length);
  }

  #left(asker: Asker, expected: Asker['expected']): void {
    const load = this.loads[asker.load]!;
    if (!load.waiting.includes(asker)) return;
    asker.expected = expected;
    load.waiting = load.waiting.filter((other) => other !== asker);
    if (load.waiting.length > 0) return;
    load.open = false;
    load.deserted = true;
  }
}

/** The words are for whoever reads a counterexample. */
type Deed = readonly [words: string, does: (sharing: Sharing) => void];
const deedOf = (words: string, does: (sharing: Sharing) => void): Deed => [words, does];
const ms = fc.integer({ min: 1, max: 30 });
const nth = fc.nat(30);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom('a', 'b'), ms).map(([key, ms]) => deedOf(`ask ${key} for ${ms} ms`, (sharing) => { sharing.ask(key, ms); })) },
  { weight: 2, arbitrary: nth.map((at) => deedOf(`asker ${at} leaves`, (sharing) => { if (sharing.askers.length > 0) sharing.leave(sharing.askers[at % sharing.askers.length]!); })) },
  { weight: 1, arbitrary: fc.tuple(nth, fc.boolean()).map(([at, fails]) => deedOf(`load ${at} ${fails ? 'fails' : 'answers'}`, (sharing) => { if (sharing.loads.length > 0) sharing.land(at % sharing.loads.length, fails); })) },
  { weight: 2, arbitrary: ms.map((ms) => deedOf(`${ms} ms pass`, (sharing) => { sharing.pass(ms); })) },
);

test('whoever asks, leaves and runs out of time when: each hears once, loads live as long as anybody waits, and nothing stays', async () => {
  await fc.assert(fc.asyncProperty(fc.array(deed, { maxLength: 30 }), async (deeds) => {
    const sharing = new Sharing();
    for (const [, does] of deeds) {
      does(sharing);
      await settled();
      sharing.check();
    }
    for (const { call } of sharing.askers) call.end();
    await settled();
    expect(listening.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  }), { numRuns: 300 });
});
