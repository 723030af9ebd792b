import type { Failure } from '../failure.ts';
import { hashLength, type Moment, type Outcome } from './outcome.ts';

/** Who watches a topic. Neither may throw; both are told within the topic's own turn, so what takes time is done later. */
export interface Watcher {
  /** There may be something to take from the view. */
  changed(): void;
  /** The topic has ended: nothing more will come. */
  ended(reason: Failure): void;
}

/** What is watched, as those see it who do. */
export interface Watched {
  /** In the order of the definition. `goneAt` is when one was last invalidated. */
  readonly parts: readonly { readonly outcome: Outcome | undefined; readonly required: boolean; readonly goneAt: Moment }[];
  leave(view: View): void;
}

/**
 * What one watcher has been told of a topic. What changes while they are slow is not queued: of each part they take what
 * it is by then. So what is owed to a watcher is never more than one value for each part.
 */
export class View {
  readonly watcher: Watcher;
  /** Who joined later hears what was asked for others as kept. */
  readonly joinedMs = performance.now();
  readonly #topic: Watched;
  readonly #joinedAt: Moment;
  /** The hash of what they have of each part. */
  readonly #told: (string | undefined)[];
  #current = false;

  /** `known` is the id of the last event that they had; one that is not of this form counts as none. */
  constructor(topic: Watched, watcher: Watcher, joinedAt: Moment, known: string | undefined) {
    this.watcher = watcher;
    this.#topic = topic;
    this.#joinedAt = joinedAt;
    this.#told = hashesIn(known, topic.parts.length) ?? topic.parts.map(() => undefined);
  }

  /** The id of the event that was taken last: what they have by now, so that any process can go on from there. */
  get id(): string {
    return this.#told.map((hash) => hash ?? nothing).join('.');
  }

  /** Whether they may be told anything yet: once all required parts are there. Why not, if one of them has failed. */
  get beginning(): 'later' | 'now' | Failure {
    for (const { outcome, required, goneAt } of this.#topic.parts) {
      if (!required) continue;
      if (!outcome || !this.#fits(outcome, goneAt)) return 'later';
      if (outcome.text === undefined && outcome.failure) return outcome.failure;
    }
    return 'now';
  }

  /** All parts have been told once. */
  get isCurrent(): boolean {
    return this.#current;
  }

  /** What they have to be told next: a part, then once that this is all there is for now. Undefined if nothing. */
  next(): Outcome | 'current' | undefined {
    let whole = true;
    for (let at = 0; at < this.#told.length; at++) {
      const { outcome, goneAt } = this.#topic.parts[at]!;
      if (!outcome || !this.#fits(outcome, goneAt)) {
        whole = false;
      } else if (outcome.hash !== this.#told[at]) {
        this.#told[at] = outcome.hash;
        return outcome;
      }
    }
    if (!whole || this.#current) return undefined;
    this.#current = true;
    return 'current';
  }

  /** What is known of each part, in their order; once all have been told. */
  get outcomes(): readonly Outcome[] {
    return this.#topic.parts.flatMap(({ outcome }) => outcome ?? []);
  }

  leave(): void {
    this.#topic.leave(this);
  }

  /**
   * What was invalidated since it landed is told to nobody. What was invalidated while it was asked for is told to those for
   * whom it was asked, as it would be in an answer. That a required part failed is told to those who were there.
   */
  #fits({ text, askedAt, landedAt }: Outcome, goneAt: Moment): boolean {
    if (text === undefined) return landedAt > this.#joinedAt;
    return askedAt > goneAt || (landedAt > goneAt && askedAt > this.#joinedAt);
  }
}

const nothing = '-';
const oneHash = new RegExp(`^(?:${nothing}|[\\w-]{${hashLength}})$`);

function hashesIn(id: string | undefined, count: number): (string | undefined)[] | undefined {
  // Checked before it is split: a header may be long.
  if (id === undefined || id.length > count * (hashLength + 1)) return undefined;
  const hashes = id.split('.');
  if (hashes.length !== count || !hashes.every((hash) => oneHash.test(hash))) return undefined;
  return hashes.map((hash) => (hash === nothing ? undefined : hash));
}
