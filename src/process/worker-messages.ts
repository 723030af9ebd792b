import type { Reading } from '../core/meter.ts';

/** What a worker says to its supervisor. */
export type FromWorker =
  /** It listens, and once told to end it has ended within so many milliseconds. */
  | { readonly about: 'listening'; readonly endsWithinMs: number }
  /** What it has counted: because it was asked, or because it ends. */
  | { readonly about: 'counted'; readonly readings: readonly Reading[] }
  /** Somebody asks it what all workers have counted. */
  | { readonly about: 'count all' }
  | Forget;

/** What a supervisor says to its workers. */
export type ToWorker =
  /** The service ends: drain. */
  | { readonly about: 'end' }
  /** Another worker has taken your place: take no new connections, and end when the old ones have. */
  | { readonly about: 'retire' }
  /** Say what you have counted. */
  | { readonly about: 'count' }
  /** What all workers have counted. */
  | { readonly about: 'all counted'; readonly readings: readonly Reading[] }
  | Forget;

/** What bears these tags is outdated. */
export interface Forget {
  readonly about: 'forget';
  readonly tags: readonly string[];
}

type Message = FromWorker | ToWorker;

/** Each message that there is, from what came over the wire; undefined for what is not of its form. */
const forms: { readonly [About in Message['about']]: (message: object) => (Message & { readonly about: About }) | undefined } = {
  end: () => ({ about: 'end' }),
  retire: () => ({ about: 'retire' }),
  count: () => ({ about: 'count' }),
  'count all': () => ({ about: 'count all' }),
  listening: (message) => ('endsWithinMs' in message && typeof message.endsWithinMs === 'number' ? { about: 'listening', endsWithinMs: message.endsWithinMs } : undefined),
  forget: (message) => ('tags' in message && isTexts(message.tags) ? { about: 'forget', tags: message.tags } : undefined),
  counted: (message) => ('readings' in message && areReadings(message.readings) ? { about: 'counted', readings: message.readings } : undefined),
  'all counted': (message) => ('readings' in message && areReadings(message.readings) ? { about: 'all counted', readings: message.readings } : undefined),
};

/** A message as it came over the wire, or undefined: a worker of another version may say what this one does not know. */
export function read(message: unknown): Message | undefined {
  if (typeof message !== 'object' || message === null || !('about' in message)) return undefined;
  const { about } = message;
  return typeof about === 'string' && Object.hasOwn(forms, about) ? forms[about as Message['about']](message) : undefined;
}

const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((one) => typeof one === 'string');

/** As far as can be told cheaply. */
const areReadings = (value: unknown): value is readonly Reading[] =>
  Array.isArray(value) && value.every((one: unknown) => typeof one === 'object' && one !== null && 'about' in one && 'points' in one && Array.isArray(one.points));
