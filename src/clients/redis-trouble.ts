// What keeps Redis from answering anything: a dataset that is being loaded, a script that never ends, a replica without
// its master, a cluster with slots that nobody has, a password that was changed.
const outages = new Set(['LOADING', 'BUSY', 'MASTERDOWN', 'CLUSTERDOWN', 'NOAUTH', 'WRONGPASS', 'UNKILLABLE']);

const isReply = (error: Error): boolean => error.name === 'ReplyError';

/** The word that a reply begins with if it is an error: OOM, READONLY, … */
const codeOf = ({ message }: Error): string => message.slice(0, message.search(/[^A-Z]|$/));

/** Whether the next command would fare no better: whatever is no reply, and a few replies. Others refuse one command. */
export const isOutage = (error: Error): boolean => !isReply(error) || outages.has(codeOf(error));

/**
 * An error to be logged. ioredis hangs a command's arguments on its errors, the password among them, and old Redises
 * repeat them in the message.
 */
export function withoutArguments(error: Error): Error {
  const { code } = error as { readonly code?: unknown };
  const plain = new Error(error.message.replace(/, with args beginning with.*$/s, ''));
  return typeof code === 'string' ? Object.assign(plain, { code }) : plain;
}
