/** A span of time as a person writes it. Parsed once, at definition; inside the code time is a number ending in Ms. */
export type Duration = `${number}ms` | `${number}s` | `${number}m`;

const unitMs = { ms: 1, s: 1_000, m: 60_000 } as const;

/** `'2s'` → 2000. Throws a TypeError for anything that is not a positive amount of ms, s or m. */
export function toMs(duration: Duration): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(duration) ?? [];
  const ms = Number(amount) * unitMs[unit as keyof typeof unitMs];
  if (!(ms > 0)) throw new TypeError(`expected a duration such as '250ms', '2s' or '1m', but got: ${duration}`);
  return ms;
}
