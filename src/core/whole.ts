/** A number of places, of keys: one that is none would let everybody wait for ever. Throws a TypeError at definition. */
export function wholeFrom(least: number, value: number, what: string): number {
  if (!Number.isInteger(value) || value < least) throw new TypeError(`expected ${what} to be a whole number from ${least}, but got: ${value}`);
  return value;
}
