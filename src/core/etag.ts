import { hash } from 'node:crypto';

/** A strong validator (RFC 9110, §8.8.3): the same bytes have the same, whichever process wrote them. */
export const etagOf = (body: Uint8Array | string): string => `"${hash('sha1', body, 'base64url')}"`;

/** `If-Match` (RFC 9110, §13.1.1) of something that is there: compared strongly, so that weak validators match nothing. */
export const mayChange = (ifMatch: string | undefined, etag: string): boolean =>
  ifMatch === undefined || ifMatch.trim() === '*' || ifMatch.split(',').some((one) => one.trim() === etag);
