import { z } from 'zod';
import { mayChange } from '../core/etag.ts';
import { Failure } from '../core/failure.ts';

/** `If-Match`: to change only what one has seen, so that nobody's change is lost. */
export const IfMatch = z.object({
  'if-match': z.string().optional().meta({ description: 'The ETag of what is to be changed: 412 if it has changed since' }),
});

/** Throws `precondition_failed` where something else is there than the client has seen. */
export function checkIfMatch(ifMatch: string | undefined, etag: string): void {
  if (!mayChange(ifMatch, etag)) throw new Failure('precondition_failed', 'expected If-Match to have the ETag of what is there now, but that is another one: read it again');
}
