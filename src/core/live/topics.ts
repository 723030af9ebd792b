import type { Aggregate } from '../aggregate.ts';
import type { Trace } from '../trace.ts';
import { inputKey } from './input-key.ts';
import type { Because, LivePart } from './live-part.ts';
import type { Outcome } from './outcome.ts';
import { TagWatch } from './tag-watch.ts';
import { type Keeping, Topic } from './topic.ts';
import type { View, Watcher } from './view.ts';

/** How often is looked whether something is due. All that is due then is asked in one turn, and so in few batches. */
const lookMs = 1_000;

/** A part that changes all the time is asked ten times a second at most. */
const gapMs = 100;

/** Where more parts than this are outdated at once, they are asked one after the other: so many a millisecond, within ten seconds. */
const atOnceMax = 100;
const spreadPerPartMs = 1;
const spreadMsMax = 10_000;

export interface TopicsOptions extends Pick<Keeping, 'trace' | 'brownout'> {
  asks(aggregate: string, because: Because): void;
  /** A part was asked. */
  landed(aggregate: string, outcome: Outcome, trace: Trace | undefined): void;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** All topics of a process, and when their parts are asked again. One timer for all, and none where nobody watches. */
export class Topics implements Keeping {
  readonly random: () => number;
  readonly trace: Keeping['trace'];
  readonly brownout: Keeping['brownout'];
  readonly #options: TopicsOptions;
  readonly #shared = new Map<object, Map<string, Topic>>();
  readonly #all = new Set<Topic>();
  readonly #tags = new TagWatch();
  /** To be asked in the next turn, and as soon as their last ask is long enough ago. */
  readonly #next = new Set<LivePart>();
  readonly #later = new Set<LivePart>();
  #turn: NodeJS.Immediate | undefined;
  #gap: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  #chars = 0;
  #changes = 0;

  constructor(options: TopicsOptions) {
    this.#options = options;
    this.random = options.random ?? Math.random;
    this.trace = options.trace;
    this.brownout = options.brownout;
  }

  get size(): number {
    return this.#all.size;
  }

  /** What the texts of all parts take together, in characters. */
  get chars(): number {
    return this.#chars;
  }

  get changes(): number {
    return this.#changes;
  }

  /** How many tags are listened to. */
  get tagCount(): number {
    return this.#tags.size;
  }

  /** Begins to watch. `known` is the id of the last event that the watcher had; `trace` that of its request. */
  join<In>(asked: Aggregate<In, unknown>, input: In, watcher: Watcher, known?: string, trace?: Trace): View {
    const key = inputKey(input);
    let shared = this.#shared.get(asked);
    if (!shared) this.#shared.set(asked, (shared = new Map()));
    let topic = key === undefined ? undefined : shared.get(key);
    if (!topic) {
      // Of any input: the aggregate gets back what it has validated.
      topic = new Topic(asked as unknown as Aggregate<unknown, unknown>, input, key, this);
      this.#all.add(topic);
      if (key !== undefined) shared.set(key, topic);
      this.#look ??= setInterval(() => { this.#lookAround(performance.now()); }, lookMs);
    }
    return topic.join(watcher, known, trace);
  }

  /** These tags were invalidated; undefined: everything was. */
  gone(tags: readonly string[] | undefined): void {
    this.#changes++;
    const parts = tags ? this.#tags.of(tags) : new Set([...this.#all].flatMap((topic) => topic.parts));
    const now = performance.now();
    const spreadMs = parts.size > atOnceMax ? Math.min(parts.size * spreadPerPartMs, spreadMsMax) : 0;
    for (const part of parts) {
      part.topic.gone(part);
      // What is being asked now is asked again when it lands.
      if (part.asking) continue;
      if (spreadMs === 0) this.again(part);
      else part.dueMs = Math.min(part.dueMs, now + this.random() * spreadMs);
    }
  }

  again(part: LivePart): void {
    if (performance.now() - part.askedMs < gapMs) {
      this.#later.add(part);
      this.#gap ??= setTimeout(() => { this.#gapOver(); }, gapMs);
    } else {
      this.#next.add(part);
      // Not in this turn: what is loaded in the very moment of an invalidation is not kept, and more tags may be gone in it.
      this.#turn ??= setImmediate(() => { this.#askNext(); });
    }
  }

  asks(part: LivePart, because: Because): void {
    this.#options.asks(part.topic.name, because);
  }

  landed(part: LivePart, before: Outcome | undefined, trace: Trace | undefined): void {
    const outcome = part.outcome!;
    this.#chars += (outcome.text?.length ?? 0) - (before?.text?.length ?? 0);
    this.#tags.set(part, part.listensTo);
    this.#options.landed(part.topic.name, outcome, trace);
  }

  over(topic: Topic): void {
    this.#all.delete(topic);
    for (const [asked, shared] of this.#shared) {
      if (topic.key !== undefined && shared.get(topic.key) === topic) shared.delete(topic.key);
      if (shared.size === 0) this.#shared.delete(asked);
    }
    for (const part of topic.parts) {
      this.#chars -= part.outcome?.text?.length ?? 0;
      this.#tags.set(part, []);
      this.#next.delete(part);
      this.#later.delete(part);
    }
    if (this.#all.size > 0) return;
    clearInterval(this.#look);
    clearTimeout(this.#gap);
    clearImmediate(this.#turn);
    this.#look = this.#gap = this.#turn = undefined;
  }

  #askNext(): void {
    this.#turn = undefined;
    const parts = [...this.#next];
    this.#next.clear();
    this.#ask(parts, 'change');
  }

  #gapOver(): void {
    this.#gap = undefined;
    const parts = [...this.#later];
    this.#later.clear();
    for (const part of parts) if (!part.asking) this.again(part);
  }

  #lookAround(now: number): void {
    const parts: LivePart[] = [];
    for (const topic of this.#all) for (const part of topic.parts) if (part.isDue(now)) parts.push(part);
    this.#ask(parts, 'age');
  }

  #ask(parts: readonly LivePart[], because: Because): void {
    for (const [topic, own] of Map.groupBy(parts, (part) => part.topic)) {
      const idle = own.filter(({ asking }) => !asking);
      if (idle.length > 0) topic.ask(idle, because);
    }
  }
}
