/** What a worker says to its supervisor. */
export type FromWorker =
  /** It listens, and once told to end it has ended within so many milliseconds. */
  | { readonly about: 'listening'; readonly endsWithinMs: number }
  | Forget;

/** What a supervisor says to its workers. */
export type ToWorker =
  /** The service ends: drain. */
  | { readonly about: 'end' }
  /** Another worker has taken your place: take no new connections, and end when the old ones have. */
  | { readonly about: 'retire' }
  | Forget;

/** What bears these tags is outdated. */
export interface Forget {
  readonly about: 'forget';
  readonly tags: readonly string[];
}

/** A message as it came over the wire, or undefined: a worker of another version may say what this one does not know. */
export function read(message: unknown): FromWorker | ToWorker | undefined {
  if (typeof message !== 'object' || message === null || !('about' in message)) return undefined;
  switch (message.about) {
    case 'end':
    case 'retire':
      return { about: message.about };
    case 'listening':
      return 'endsWithinMs' in message && typeof message.endsWithinMs === 'number' ? { about: 'listening', endsWithinMs: message.endsWithinMs } : undefined;
    case 'forget':
      return 'tags' in message && isTexts(message.tags) ? { about: 'forget', tags: message.tags } : undefined;
    default:
      return undefined;
  }
}

const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((one) => typeof one === 'string');
