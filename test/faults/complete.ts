import { expect } from 'vitest';
import type { Reply } from '../support/http-client.ts';
import { eventually } from '../support/redis.ts';

/** Whether a reply is an answer that lacks nothing. */
export const isComplete = ({ status, text }: Reply): boolean => status === 200 && !text.includes('"errors"');

/** Each reply is an answer that lacks nothing. */
export function expectComplete(replies: readonly Reply[]): void {
  const others = replies.filter((reply) => !isComplete(reply)).map(({ status, text }) => `${status} ${text.slice(0, 300)}`);
  expect([...new Set(others)]).toEqual([]);
}

/**
 * Resolves once all of twenty users who ask at the same time have answers that lack nothing: a source that has failed
 * is asked again little by little, so that one whole answer says little about the next.
 */
export async function wellAgain(ask: (user: number) => Promise<Reply>): Promise<void> {
  let replies: readonly Reply[] = [];
  await eventually(async () => {
    replies = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(at + 1)));
    return replies.every(isComplete);
  }, () => `expected whole answers again, but got ${replies.find((reply) => !isComplete(reply))?.text}`, 20_000);
}
