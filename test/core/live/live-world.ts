import { expect } from 'vitest';
import { json, lost, type Question, type Text } from '../../policies/cache-stage.ts';
import type { Ask } from '../../support/scripted.ts';
import { settled } from '../fake-time.ts';
import { liveStage, Viewer } from './live-stage.ts';

export const users = ['ada', 'bob'] as const;
export const partNames = ['profile', 'counts', 'tips'] as const;
export type User = (typeof users)[number];
export type PartName = (typeof partNames)[number];

const tagOf: Readonly<Record<PartName, string | undefined>> = { profile: 'users', counts: 'counts', tips: undefined };

interface Watching {
  readonly viewer: Viewer;
  readonly user: User;
  /** What this process had heard of each part when they came: nothing older may be told. */
  readonly floor: Readonly<Record<PartName, number>>;
  readonly highest: Record<PartName, number>;
}

/** Data that changes, notices of it that come later, loads that land whenever they like, and those who watch. */
export class LiveWorld {
  readonly stage = liveStage();
  watching: Watching[] = [];
  readonly #truth = new Map<string, number>();
  readonly #heard = new Map<string, number>();
  readonly #notices: (() => void)[] = [];
  /** What each load has read, in the moment in which it was asked. */
  readonly #read = new Map<Ask<Question, Text>, number>();
  /** Of those who left: what they can go on from. */
  readonly #ids: string[] = [];

  change(user: User, part: PartName): void {
    const version = this.#version(user, part) + 1;
    this.#truth.set(`${part} ${user}`, version);
    const group = tagOf[part];
    if (group === undefined) return;
    this.#notices.push(() => {
      this.#heard.set(`${part} ${user}`, version);
      void this.stage.cache.invalidate([`${group}:${user}`]);
    });
  }

  /** The next notice comes, or, since nobody knows what was missed, everything is forgotten. */
  hear(lose: boolean): void {
    if (!lose) return this.#notices.shift()?.();
    for (const notice of this.#notices.splice(0)) notice();
    this.stage.cache.flush();
  }

  join(user: User, slow: boolean, resumes: boolean): void {
    const floor = Object.fromEntries(partNames.map((part) => [part, this.#heard.get(`${part} ${user}`) ?? 0])) as Record<PartName, number>;
    const viewer = new Viewer();
    viewer.slow = slow;
    const known = resumes ? this.#ids.at(-1) : undefined;
    this.watching.push({ viewer, user, floor, highest: { ...floor } });
    this.stage.join(viewer, user, known);
    // What they have by the id that they came with.
    if (known !== undefined) viewer.resumed = true;
  }

  leave(at: number): void {
    const [gone] = this.watching.splice(at % Math.max(1, this.watching.length), 1);
    if (!gone) return;
    this.#ids.push(gone.viewer.view.id);
    gone.viewer.view.leave();
  }

  take(at: number): void {
    const one = this.watching[at % Math.max(1, this.watching.length)];
    if (one?.viewer.begun) one.viewer.take();
  }

  land(which: number, fails: boolean): void {
    const open = this.#open();
    const ask = open[which % Math.max(1, open.length)];
    if (!ask) return;
    if (fails) ask.reject(lost);
    else ask.resolve(json(this.#read.get(ask)));
  }

  /** Whatever each load reads, it reads it now; then what must never be is looked for. */
  check(): void {
    for (const part of partNames) {
      for (const ask of this.stage[part].asked) if (!this.#read.has(ask)) this.#read.set(ask, this.#version(ask.input.user as User, part));
    }
    for (const { viewer, floor, highest, user } of this.watching) {
      for (const part of partNames) {
        const has = Number(viewer.has[part]);
        if (viewer.has[part] === undefined || Number.isNaN(has)) continue;
        expect(has, `${part} of ${user}`).toBeGreaterThanOrEqual(Math.max(floor[part], highest[part]));
        highest[part] = has;
      }
    }
  }

  /** All notices come, all loads land, everybody takes: then each has what there is. */
  async settle(pass: (ms: number) => Promise<void>): Promise<void> {
    for (const notice of this.#notices.splice(0)) notice();
    for (let second = 0; second < 90; second++) {
      for (let ask = this.#open()[0]; ask; ask = this.#open()[0]) {
        this.check();
        this.land(0, false);
        await settled();
      }
      await pass(500);
    }
    for (const { viewer, user } of this.watching) {
      if (viewer.over) continue;
      expect(viewer.begun).toBe(true);
      viewer.take();
      const truth = Object.fromEntries(partNames.map((part) => [part, String(this.#version(user, part))]));
      // Who came back with an id was told what differs, and has the rest.
      if (viewer.resumed) expect(truth).toMatchObject(viewer.has);
      else expect(viewer.has).toEqual(truth);
    }
  }

  async end(pass: (ms: number) => Promise<void>): Promise<void> {
    for (const { viewer } of this.watching) viewer.view.leave();
    // What a cache loads behind what is stale is its own affair, and has five seconds.
    await pass(5_000);
    const { topics } = this.stage;
    expect([topics.size, topics.tagCount, topics.chars]).toEqual([0, 0, 0]);
    expect(this.#open()).toEqual([]);
  }

  #open(): Ask<Question, Text>[] {
    return partNames.flatMap((part) => this.stage[part].asked).filter(({ landed, stopped }) => !landed && !stopped);
  }

  #version(user: User, part: PartName): number {
    return this.#truth.get(`${part} ${user}`) ?? 0;
  }
}
