/** The product that a page ended with. */
export interface Place {
  /** As it is in the product, to the microsecond. */
  readonly created_at: string;
  readonly id: string;
}

const form = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/;

/** Where the next page begins, as clients hand it back: a text in which nobody is to read. */
export const cursorAfter = ({ created_at: at, id }: Place): string => Buffer.from(`${at} ${id}`).toString('base64url');

/** Undefined for what is no cursor, or one in another spelling. */
export function placeOf(cursor: string): Place | undefined {
  const [, at, id] = form.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (at === undefined || id === undefined || !isMoment(at)) return undefined;
  return cursorAfter({ created_at: at, id }) === cursor ? { created_at: at, id } : undefined;
}

export const isCursor = (text: string): boolean => placeOf(text) !== undefined;

/** Postgres would refuse the 30th of February, which Date takes for a day in March, and has no year 0. */
function isMoment(at: string): boolean {
  if (at.startsWith('0000')) return false;
  const date = new Date(at);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === at.slice(0, 19);
}
