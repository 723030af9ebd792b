/** The caller's mistake; its message says what was expected. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

// What Postgres keeps in an integer; no user has a larger number.
export const INTEGER_MAX = 2_147_483_647;

export function wholeNumber(name: string, text: string, low: number, high: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  // Only the beginning: the answer to a bad question need not be as long as the question.
  throw new BadInput(`expected ${name} to be a whole number from ${low} to ${high}, but got ${JSON.stringify(text.slice(0, 40))}`);
}

export function expectOnly(query: URLSearchParams, allowed: readonly string[]): void {
  for (const name of query.keys()) {
    if (!allowed.includes(name)) {
      throw new BadInput(`expected only the parameters ${allowed.join(', ')}, but got ${JSON.stringify(name.slice(0, 40))}`);
    }
  }
}
