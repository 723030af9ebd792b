import { transactionToken } from '../clients/notify-sql.ts';
import type { Transaction } from '../clients/postgres.ts';
import type { Call } from '../core/call.ts';
import { failureOf } from '../core/failure.ts';
import type { Systems } from './systems.ts';

/** A transaction that says what it outdates. */
export interface Change extends Transaction {
  /** What was loaded before and bears one of these tags is outdated once this is committed. */
  readonly outdates: (...tags: string[]) => void;
}

export type Changes = <T>(call: Call, work: (change: Change) => Promise<T>) => Promise<T>;

/**
 * Transactions of whose changes every cache hears before the writer does, with or without the triggers of docs/db-notify.md.
 * Both tell by the same token, which makes it one invalidation in the shared cache.
 */
export const changes = ({ postgres, cache }: Systems): Changes => async (call, work) => {
  const tags = new Set<string>();
  let token = '';
  const tell = async () => { if (cache && tags.size > 0) await cache.invalidate([...tags], token || undefined); };
  try {
    const answer = await postgres.transaction(call, async (transaction) => {
      const done = await work({ ...transaction, outdates: (...all) => { for (const tag of all) tags.add(tag); } });
      if (cache && tags.size > 0) token = (await transaction.rows(transactionToken, []))[0]?.[0] ?? '';
      return done;
    });
    await tell();
    return answer;
  } catch (error) {
    // It may have been committed all the same.
    if (failureOf(error).code === 'outcome_unknown') await tell();
    throw error;
  }
};
