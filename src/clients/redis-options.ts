import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { RedisPlace } from './redis-url.ts';

/** Long enough for a connection over TLS to be made, short enough to be back within a second of whatever was broken. */
export const connectMs = 500;
const retryMs = 150;
/** How long the other side may take to say goodbye: a frozen one never does. */
export const goodbyeMs = 100;

/** Spread, so that all processes of a service do not come back in the same moment. */
export const untilRetryMs = (): number => retryMs + Math.random() * 50;

/** ioredis's own type for them does not pass its own constructor under exactOptionalPropertyTypes. */
export type Options = Omit<RedisOptions, 'replyMapping'>;

/** What all connections have in common. */
export const commonOptions = {
  lazyConnect: true,
  // Nobody waits for a connection to come back: what can't be sent now is not sent.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  connectTimeout: connectMs,
  // Counts only while an answer is outstanding, in the handshake too: an idle connection lives. Without it a connection
  // to a server that is gone without a word would stay for minutes, and its queue with it.
  socketTimeout: connectMs,
  maxLoadingRetryTime: retryMs,
} satisfies Options;

export function accessOf({ user, password, tls }: RedisPlace): Options {
  return { ...(user && { username: user }), ...(password && { password }), ...(tls && { tls: {} }) };
}

/** Hangs up, and resolves once nothing of the connection is left; soon even if the other side says nothing any more. */
export function hangUp(redis: Redis | Cluster): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 2 * goodbyeMs);
    redis.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
    redis.disconnect();
  });
}
