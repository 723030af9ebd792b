/** A span of time as a person writes it. Parsed once, at definition; inside the code time is a number ending in Ms. */
export type Duration = `${number}ms` | `${number}s` | `${number}m`;

const unitMs = { ms: 1, s: 1_000, m: 60_000 } as const;

/** What a timer can hold: 24 days. A longer one would fire at once. */
const msMax = 2 ** 31 - 1;

/** `'2s'` → 2000. Throws a TypeError for anything that is not a positive amount of ms, s or m, or longer than a timer can be. */
export function toMs(duration: Duration): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(duration) ?? [];
  const ms = Number(amount) * unitMs[unit as keyof typeof unitMs];
  if (!(ms > 0 && ms <= msMax)) throw new TypeError(`expected a duration such as '250ms', '2s' or '1m', but got: ${duration}`);
  return ms;
}
