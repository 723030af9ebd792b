/** A text as a message may repeat it: short, and in JSON, so that nothing in it can be taken for markup or a new line. */
export const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** Why something failed, in one line. An AggregateError, which tells of several addresses, has no message of its own. */
export function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return (message || code || 'an unknown error').split('\n', 1).join('');
}
