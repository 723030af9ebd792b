import type { Fact } from './facts.ts';

/** What happened in one seed, what of it was wrong, and which of the facts were seen. */
export class Journal {
  readonly lines: string[] = [];
  readonly faults: string[] = [];
  readonly seen = new Set<Fact>();

  note(text: string): void {
    this.lines.push(`${String(Math.round(performance.now())).padStart(7)} ms  ${text}`);
  }

  /** A law was broken. Nothing is thrown: this is told inside callbacks of the code under test. */
  fault(text: string): void {
    this.faults.push(text);
    this.note(`FAULT: ${text}`);
  }

  saw(fact: Fact, holds = true): void {
    if (holds) this.seen.add(fact);
  }
}
