import { z } from 'zod';

export const UserId = z
  .string({ error: 'expected one id of 1 to 64 letters, digits, "_" or "-"' })
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, "_" or "-"')
  .brand<'UserId'>();
export type UserId = z.infer<typeof UserId>;

/** What every source about a user needs to know. */
export interface User {
  readonly user_id: UserId;
}
