/**
 * A validated input as one text, so that equal inputs share a topic and no others do. Undefined where it holds anything but
 * plain JSON, of which nobody here could say whether two are equal: then nothing is shared.
 */
export function inputKey(input: unknown): string | undefined {
  return isPlain(input) ? JSON.stringify(input) : undefined;
}

function isPlain(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  // -0 and 0 have the same text, and what is not finite is written as null.
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.every(isPlain);
  const prototype: unknown = Object.getPrototypeOf(value);
  // A toJSON of its own would say something else.
  return (prototype === Object.prototype || prototype === null) && !('toJSON' in value) && Object.values(value).every(isPlain);
}
