import { crc32 } from 'node:zlib';

/** An entry of the shared tier: a value, or that there is none, with what has to be known to use it. */
export interface Envelope {
  /** Whose data it is. Checked again by every reader: a mistake in a key must not show one user another one's data. */
  readonly subject: string;
  /** From its loading on; in milliseconds. */
  readonly freshMs: number;
  /** How long it may be served while a new one is loaded. */
  readonly staleMs: number;
  /** How long it may be served where loading fails. */
  readonly errorMs: number;
  /** How long the tier was asked to keep it: from this and what is left, a reader learns its age. */
  readonly totalMs: number;
  /** Of its tags when its loading began; if one has another version now, it was invalidated. */
  readonly versions: readonly string[];
  /** The value as JSON; undefined if there is nothing under this key. */
  readonly text: string | undefined;
}

const version = 2;

/** A line with the sum of all that follows, a line of JSON about the value, and the value as it is. */
export function seal({ text, subject, freshMs, staleMs, errorMs, totalMs, versions }: Envelope): string {
  const about = [version, subject, freshMs, staleMs, errorMs, totalMs, versions, text !== undefined];
  const summed = `${JSON.stringify(about)}\n${text ?? ''}`;
  return `${crc32(summed)}\n${summed}`;
}

/** The entry in a text, or undefined for what is of another version, cut off or changed. */
export function open(sealed: string): Envelope | undefined {
  const start = sealed.indexOf('\n') + 1;
  const end = sealed.indexOf('\n', start);
  // The limits and the subject are summed as well: what was changed in them is no better than a changed value.
  if (end < 0 || sealed.slice(0, start - 1) !== String(crc32(sealed.slice(start)))) return undefined;
  const about = parsed(sealed.slice(start, end));
  if (!Array.isArray(about) || about.length !== 8 || about[0] !== version) return undefined;
  const [, subject, freshMs, staleMs, errorMs, totalMs, versions, something] = about as unknown[];
  if (typeof subject !== 'string' || !isDuration(freshMs) || !isDuration(staleMs) || !isDuration(errorMs) || !isDuration(totalMs)) return undefined;
  if (!Array.isArray(versions) || !versions.every((one) => typeof one === 'string')) return undefined;
  return { subject, freshMs, staleMs, errorMs, totalMs, versions, text: something === true ? sealed.slice(end + 1) : undefined };
}

const isDuration = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
