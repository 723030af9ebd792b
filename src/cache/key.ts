import { hash } from 'node:crypto';

/** What may stand in a key: each has one text. */
export type KeyValue = string | number | bigint | boolean | null | undefined;

/**
 * The values as one text, from which they could be read again: every value with its length before it, so that no two
 * lists of values have the same text.
 */
export function keyOf(values: readonly KeyValue[]): string {
  let text = '';
  for (const value of values) {
    const part = typeof value === 'string' ? value : `${typeof value} ${value}`;
    // A string and a number of the same digits are not the same.
    text += `${typeof value === 'string' ? '' : '~'}${part.length}:${part}`;
  }
  return text;
}

/**
 * A key as the shared tier knows it: of one length whatever was asked, and without what was asked to be read in it.
 * Undefined for half a character: it has no UTF-8, and all of them would have the same hash.
 */
export const hashOf = (key: string): string | undefined => (key.isWellFormed() ? hash('sha256', key, 'hex') : undefined);
