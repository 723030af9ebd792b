import { z } from 'zod';
import { Cache } from '../../../src/cache/cache.ts';
import { aggregate } from '../../../src/core/aggregate.ts';
import type { Failure } from '../../../src/core/failure.ts';
import type { Outcome } from '../../../src/core/live/outcome.ts';
import { Topics } from '../../../src/core/live/topics.ts';
import type { View, Watcher } from '../../../src/core/live/view.ts';
import { optional } from '../../../src/core/part.ts';
import { speaks } from '../../../src/core/source.ts';
import { type Question, staged, type Text } from '../../policies/cache-stage.ts';
import { scripted } from '../../support/scripted.ts';

/** Somebody who watches, and what they were told: `profile {"name":"Ada"}`, `current`, … */
export class Viewer implements Watcher {
  readonly told: string[] = [];
  /** What they have of each part. */
  readonly has: Record<string, string> = {};
  over: Failure | undefined;
  begun = false;
  /** They came back with the id of an event. */
  resumed = false;
  /** They take nothing until they are told to. */
  slow = false;
  #view: View | undefined;

  watch(view: View): this {
    this.#view = view;
    this.changed();
    return this;
  }

  get view(): View {
    return this.#view!;
  }

  changed(): void {
    this.begun ||= this.#view?.beginning === 'now';
    if (!this.slow && this.begun) this.take();
  }

  take(): void {
    for (let next = this.view.next(); next; next = this.view.next()) this.#hears(next);
  }

  ended(reason: Failure): void {
    this.over = reason;
  }

  /** What they were told since they were last asked. */
  get news(): string[] {
    return this.told.splice(0);
  }

  #hears(next: Outcome | 'current'): void {
    if (next === 'current') return void this.told.push(next);
    this.has[next.part] = next.text ?? `failed: ${next.failure?.code}`;
    this.told.push(`${next.part} ${next.text ?? ''}${next.failure ? ` ${next.failure.code}` : ''}`);
  }
}

/** An aggregate of three parts: `profile` is required and kept, `counts` is optional and kept, `tips` is kept by nobody. */
export function liveStage() {
  const cache = new Cache({ bytesMax: 10_000_000 });
  cache.watch((tags) => { topics.gone(tags); });
  const profile = staged({ cache });
  const counts = staged({ cache, name: 'counts', rules: { tags: ({ user }) => [`counts:${user}`] } });
  const tips = scripted<Question, Text>();
  const asked = aggregate({
    name: 'overview', input: z.object({ user: z.string() }), deadline: '2s',
    parts: { profile: speaks(profile.source), counts: optional(speaks(counts.source), { otherwise: {} }), tips: optional(tips.source, { otherwise: [] }) },
  });
  const asks: string[] = [];
  const options = { trace: () => undefined, brownout: () => false, asks: (_: string, because: string) => { asks.push(because); }, landed: () => undefined, random: () => 0 };
  const topics: Topics = new Topics(options);
  const join = (viewer: Viewer, user = 'ada', known?: string) => viewer.watch(topics.join(asked, { user }, viewer, known));
  return { cache, topics, asked, asks, profile, counts, tips, join };
}
