import { Failure, type FailureCode } from '../../core/failure.ts';

/** The scope that lets its bearer read what is about others. */
export const readAnyScope = 'aggregates:read:any';

/** A request that was refused for its credentials. The texts are fixed, so nothing of a token can be in them. */
export class Refused extends Failure {
  /** The value of `WWW-Authenticate` (RFC 6750, §3). */
  readonly challenge: string;

  constructor(code: FailureCode, message: string, parameters: Readonly<Record<string, string>> = {}) {
    super(code, message);
    this.challenge = `Bearer ${Object.entries({ realm: 'tributary', ...parameters }).map(([name, value]) => `${name}="${value}"`).join(', ')}`;
  }
}

/** Without an error: whoever sent no token, or used another scheme, may not know yet that one is needed. */
export const noCredentials = new Refused('unauthenticated', 'expected a bearer token in the header Authorization, but got none');

const description = 'expected the header Authorization to be Bearer, one space and a token';
export const malformed = new Refused('invalid_input', description, { error: 'invalid_request', error_description: description });

export const notAllowed = new Refused('forbidden', 'this token does not allow to read what was asked for', { error: 'insufficient_scope', scope: readAnyScope });

/** No scope would do. */
export const roleToRead = new Refused('forbidden', notAllowed.message, { error: 'insufficient_scope' });

export const roleNeeded = new Refused('forbidden', 'this token does not allow to do what was asked for', { error: 'insufficient_scope' });

const badToken = (why: string): Refused => new Refused('unauthenticated', why, { error: 'invalid_token', error_description: why });

/** What can be wrong with a token. One object for each and no new one for each request: a stack costs more than all else of a refusal. */
export const badTokens = {
  tooLong: badToken('the token is too long'),
  notJwt: badToken('the token is not a signed JWT'),
  type: badToken('the token is of a type that is not accepted here'),
  algorithm: badToken('the token is signed with an algorithm that is not accepted here'),
  unknownKey: badToken('the token does not name one of the keys of its issuer'),
  signature: badToken('the signature of the token is not valid'),
  issuer: badToken('the token is of another issuer'),
  audience: badToken('the token is meant for somebody else'),
  expired: badToken('the token has expired'),
  early: badToken('the token is not valid yet'),
  claims: badToken('the token lacks a claim that is needed, or has one of a wrong type'),
} as const;

/** Not the caller's fault: a 401 would have it throw away a token that may be good. */
export const keysUnavailable = new Failure('keys_unavailable', 'the keys that tokens are checked with are not known now', { retryAfterMs: 5_000 });
