import type { PlannedPart } from '../part.ts';
import type { Moment, Outcome } from './outcome.ts';

/** Why a part is asked: somebody began to watch, it was invalidated, or it was time for a second look. */
export type Because = 'begin' | 'change' | 'age';

/** In place of tags: whichever is invalidated. */
export const anything = '*';

/** Whose part it is. */
export interface PartOwner {
  readonly name: string;
  /** Asks these parts, none of which is being asked, in one call. */
  ask(parts: readonly LivePart[], because: Because): void;
  /** What was known of this part is outdated. */
  gone(part: LivePart): void;
}

/**
 * When a part is asked again of which no cache says how long it is fresh: soon at first, since a load that failed or was
 * overtaken by a change is mended soon, and then like somebody who polls.
 */
const againMs = [1_000, 3_000, 10_000, 30_000];

/** What a topic knows of one part. */
export class LivePart {
  readonly topic: PartOwner;
  readonly name: string;
  readonly required: boolean;
  outcome: Outcome | undefined;
  /** It is being asked now, once at a time: so what lands later was asked for later. */
  asking = false;
  /** When it was last invalidated. */
  goneAt: Moment = 0;
  /** What invalidates it; that which was known last, where an outcome does not say. */
  tags: readonly string[] = [];
  /** When it was last asked, and when it is to be asked again without a reason; on the clock of `performance.now()`. */
  askedMs = -Infinity;
  dueMs = Infinity;
  readonly #speaks: boolean;
  #kept = false;
  #tries = 0;

  constructor(topic: PartOwner, { name, required, speaks }: PlannedPart) {
    this.topic = topic;
    this.name = name;
    this.required = required;
    this.#speaks = speaks;
  }

  /** A cache may keep it, and has not yet: what invalidates it nobody knows. */
  get isBlind(): boolean {
    return this.#speaks && !this.#kept && this.tags.length === 0;
  }

  /** What to listen to; for something that is there and may be outdated by whatever is invalidated, that is everything. */
  get listensTo(): readonly string[] {
    return this.isBlind && this.outcome?.failure === undefined ? [anything] : this.tags;
  }

  /** It is time for a second look, or the cache has had one. What was invalidated has its turn already. */
  isDue(now: number): boolean {
    const { asking, outcome, goneAt } = this;
    return !asking && (now >= this.dueMs || (outcome !== undefined && goneAt < outcome.askedAt && outcome.replaced));
  }

  /** Takes what came of asking. True if that is something else than before. */
  take(outcome: Outcome, random: () => number): boolean {
    const changed = outcome.hash !== this.outcome?.hash;
    this.outcome = outcome;
    this.asking = false;
    const now = performance.now();
    const { freshUntil, tags } = outcome;
    // What is kept only in part says only a part of what invalidates it.
    this.#kept ||= outcome.kept;
    if (tags.length > 0) this.tags = freshUntil === undefined ? [...new Set([...this.tags, ...tags])] : tags;
    if (freshUntil !== undefined && freshUntil > now) {
      this.#tries = 0;
      // Not in the very moment: others who keep it as long ask then too, and one load does for all.
      this.dueMs = freshUntil + random() * 1_000;
    } else {
      this.dueMs = now + againMs[Math.min(this.#tries, againMs.length - 1)]! * (0.5 + random() / 2);
      this.#tries = changed ? 1 : this.#tries + 1;
    }
    return changed;
  }
}
