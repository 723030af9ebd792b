import { hash } from 'node:crypto';
import { z } from 'zod';
import type { Statement } from '../clients/sql.ts';
import { Failure } from '../core/failure.ts';
import { JsonText, toJson } from '../core/json-text.ts';
import type { Outcome } from '../core/operation.ts';
import type { Change } from '../sources/changes.ts';

/** A string in quotes, as draft-ietf-httpapi-idempotency-key-header has it, or the same without them, as many clients send it. */
const keyForm = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,255}))$/;

const expectedKey = 'expected a key of 1 to 255 visible ASCII characters, in quotes or without comma and semicolon';

/** The headers of an operation that is done once for each key. */
export const Idempotent = z.object({
  'idempotency-key': z
    .string()
    .regex(keyForm, expectedKey)
    .transform((text) => text.replaceAll('"', ''))
    .optional()
    .meta({ description: 'Sent again with the same key and body, a request has the answer of the first one, for 24 hours' }),
});

export interface Once {
  /** Left out, it is simply done. */
  readonly key: string | undefined;
  /** Whose key it is: others may have the same. */
  readonly subject: string;
  /** What is asked for, as it was validated: the order of fields and the spaces between them make no other request. */
  readonly request: unknown;
}

/**
 * Does `work` in a change, unless it has been done under this key: then its outcome is that of the first time. The outcome is
 * written with what was done, in one transaction, so that there is never one without the other.
 */
export async function once<O extends Outcome>(change: Change, { key, subject, request }: Once, work: () => Promise<O>): Promise<O> {
  if (key === undefined) return work();
  const hashed = hash('sha256', JSON.stringify(request), 'hex');
  const [lock] = await change.rows(taken, [subject, key]);
  if (lock?.[0] !== 'true') throw new Failure('conflict', 'a request with this Idempotency-Key is under way: ask again for its answer');
  // A statement of its own, since it has to see what was committed before the lock was ours.
  const [known] = await change.rows(remembered, [subject, key]);
  // Whoever has written it had the same `work`.
  if (known) return replayed(known, hashed) as O;
  const outcome = await work();
  const { status, headers = {}, body } = outcome;
  await change.rows(remember, [subject, key, hashed, status, JSON.stringify(headers), body === undefined ? null : toJson(body)]);
  await change.rows(sweep, []);
  return outcome;
}

function replayed([request, status, headers, body]: readonly (string | null)[], hashed: string): Outcome {
  if (request !== hashed) throw new Failure('idempotency_key_reused', 'expected the request that this Idempotency-Key was used for, but got another one');
  return {
    status: Number(status) as Outcome['status'],
    headers: JSON.parse(headers ?? '{}') as Record<string, string>,
    ...(body === null || body === undefined ? {} : { body: new JsonText(body) }),
  };
}

/** Until the end of the transaction, and of nobody who waits for it. */
const taken: Statement = { summary: 'SELECT', text: `select pg_try_advisory_xact_lock(hashtextextended($2::text, hashtextextended($1::text, 0)))::text` };

const age = `interval '24 hours'`;

const remembered: Statement = {
  summary: 'SELECT idempotency_keys',
  text: `select request, status::text, headers::text, body from idempotency_keys where subject = $1 and key = $2 and created_at > now() - ${age}`,
};

const remember: Statement = {
  summary: 'INSERT idempotency_keys',
  text: `insert into idempotency_keys (subject, key, request, status, headers, body) values ($1, $2, $3, $4, $5, $6)
    on conflict (subject, key) do update set request = excluded.request, status = excluded.status, headers = excluded.headers, body = excluded.body, created_at = excluded.created_at`,
};

/** Ten go for one that comes: so they become fewer, and nobody waits for a great sweep. */
const sweep: Statement = {
  summary: 'DELETE idempotency_keys',
  text: `delete from idempotency_keys where (subject, key) in
    (select subject, key from idempotency_keys where created_at <= now() - ${age} order by created_at limit 10 for update skip locked)`,
};
