import type { Redis } from 'ioredis';
import type { LeaseWanted } from '../cache/tier.ts';
import type { Keys } from './redis-keys.ts';
import type { Script } from './redis-scripts.ts';

/** Text or null, ms left, lease, and a text or null for each tag. */
export type Answer = readonly [text: string | null, leftMs: number, lease: 'won' | 'lost' | 'none', ...versions: (string | null)[]];

/** How a kind of Redis is asked. It connects when it is made. All of it rejects with whatever ioredis said. */
export interface Link {
  read(key: string, tags: readonly string[], lease: LeaseWanted | undefined): Promise<Answer>;
  drop(entry: string): Promise<unknown>;
  /** A script about one entry and its lease. */
  run(script: Script, keys: readonly string[], values: readonly string[]): Promise<unknown>;
  invalidate(tags: readonly string[], token: string): Promise<unknown>;
  /** Resolves if it answers what a read would ask. */
  probe(): Promise<void>;
  /** Before the first command, and after every outage. */
  prepare(): Promise<void>;
  /** A new connection to hear on. */
  ear(): Redis;
  close(): Promise<void>;
}

export interface LinkOptions {
  readonly keys: Keys;
  /** How long a command may take. */
  readonly answerMs: number;
  readonly onDown: (error: Error) => void;
  readonly onUp: () => void;
  /** It answers still, but is not the one to listen to any more. */
  readonly onReplaced: () => void;
}

/** ARGV of `readScript`. */
export const leaseValues = (lease: LeaseWanted | undefined): string[] => (lease ? [lease.token, String(lease.ms), String(lease.unlessLeftMs)] : ['']);

/** Resolves if a read would be answered. A PING says less: it is refused where reads are not (MISCONF), and answered where they are refused (CLUSTERDOWN). */
export async function answers(redis: Redis, keys: Keys): Promise<void> {
  try {
    await redis.get(keys.probe);
  } catch (error) {
    // Another node's key, or one that this user may not read: an answer all the same.
    if (!/^(?:MOVED|ASK|NOPERM) /.test((error as Error).message)) throw error;
  }
}
