import { expect } from 'vitest';
import type { Reply } from '../support/http-client.ts';

/** Whether a reply is an answer that lacks nothing. */
export const isComplete = ({ status, text }: Reply): boolean => status === 200 && !text.includes('"errors"');

/** Each reply is an answer that lacks nothing. */
export function expectComplete(replies: readonly Reply[]): void {
  const others = replies.filter((reply) => !isComplete(reply)).map(({ status, text }) => `${status} ${text.slice(0, 300)}`);
  expect([...new Set(others)]).toEqual([]);
}
