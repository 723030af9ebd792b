import { hash } from 'node:crypto';
import { errors, type JWTHeaderParameters, type JWTPayload, jwtVerify, type JWTVerifyOptions } from 'jose';
import { Kept } from '../../cache/kept.ts';
import { Memory } from '../../cache/memory.ts';
import type { Caller } from '../../core/access.ts';
import { Failure } from '../../core/failure.ts';
import type { Authentication } from '../edge.ts';
import { callerFrom } from './caller.ts';
import type { Keys } from './keys.ts';
import { badTokens, malformed, noCredentials, type Refused } from './refused.ts';

/** What a token has to be to be believed. */
export interface TokenRules {
  readonly issuer: string;
  /** One of them has to be among the token's. */
  readonly audience: readonly string[];
  /** Of signatures with published keys. */
  readonly algorithms: readonly string[];
  readonly clockSkewMs: number;
  /** The claim that holds the caller's roles. */
  readonly rolesClaim: string;
}

/** Half of all headers that Node accepts. Tokens with dozens of groups have 2 to 4 KiB. */
const tokenCharsMax = 8 * 1024;

/** Some 20,000 callers who are remembered: beyond them a signature is verified once more, which takes a tenth of a millisecond. */
const verifiedBytesMax = 16 * 1024 * 1024;

/** Access tokens say `at+jwt` (RFC 9068) or, of most issuers, `JWT`. Others are meant for other uses: to log out, to prove a possession. */
const types = [undefined, 'jwt', 'at+jwt', 'application/at+jwt'];

/** A token that was verified, under the hash of its header: nobody can take tokens from here. */
class Verified extends Kept {
  readonly caller: Caller;
  /** By the clock of the world, as the token says it. */
  readonly until: number;

  constructor(key: string, caller: Caller, until: number) {
    super(key, [], [caller.subject, ...caller.scopes, ...caller.roles].reduce((sum, text) => sum + text.length + 16, 0));
    this.caller = caller;
    this.until = until;
  }
}

/** Bearer tokens (RFC 6750) that are signed JWTs (RFC 7519). Only what was found good is remembered: a flood of bad ones makes nobody wait. */
export class Tokens implements Authentication {
  readonly #keys: Keys;
  readonly #rules: TokenRules;
  readonly #options: JWTVerifyOptions;
  readonly #verified = new Memory(verifiedBytesMax);
  /** Until when what was verified holds, for callers whose reply goes on for longer than it is remembered here. */
  #until = new WeakMap<Caller, number>();
  /** How often keys have been withdrawn: what is being verified meanwhile is not remembered. */
  #withdrawals = 0;

  constructor(keys: Keys, rules: TokenRules) {
    this.#keys = keys;
    this.#rules = rules;
    this.#options = {
      algorithms: [...rules.algorithms], issuer: rules.issuer, audience: [...rules.audience],
      clockTolerance: rules.clockSkewMs / 1_000, requiredClaims: ['exp', 'sub'],
    };
    keys.onWithdrawn = () => {
      this.#withdrawals++;
      this.#verified.clear();
      this.#until = new WeakMap();
    };
  }

  known(authorization: string, now: number): Caller | undefined {
    const found = this.#verified.get(digest(authorization));
    if (!(found instanceof Verified) || !this.#keys.believed(now)) return undefined;
    if (Date.now() < found.until) return found.caller;
    this.#verified.drop(found.key);
    return undefined;
  }

  async verified(authorization: string): Promise<Caller> {
    const token = tokenIn(authorization);
    const withdrawals = this.#withdrawals;
    const { payload, until } = await this.#verify(token);
    const caller = callerFrom(payload.sub!, payload, this.#rules.rolesClaim);
    if (withdrawals === this.#withdrawals) {
      this.#verified.put(new Verified(digest(authorization), caller, until));
      this.#until.set(caller, until);
    }
    return caller;
  }

  holds(caller: Caller): boolean {
    return this.#keys.believed(performance.now()) && Date.now() < (this.#until.get(caller) ?? 0);
  }

  async #verify(token: string): Promise<{ payload: JWTPayload; until: number }> {
    const { clockSkewMs } = this.#rules;
    try {
      const { payload } = await jwtVerify(token, (header) => this.#keyFor(header), this.#options);
      const { sub, exp, iat = 0 } = payload;
      if (typeof sub !== 'string' || sub === '' || !Number.isFinite(exp)) throw badTokens.claims;
      if (iat * 1_000 > Date.now() + clockSkewMs) throw badTokens.early;
      return { payload, until: exp! * 1_000 + clockSkewMs };
    } catch (error) {
      throw error instanceof Failure ? error : refusalOf(error);
    }
  }

  #keyFor(header: JWTHeaderParameters): ReturnType<Keys['keyFor']> {
    // None is understood here, and one that is not has to be refused (RFC 7515, §4.1.11).
    if (header.crit !== undefined) throw badTokens.notJwt;
    if (!types.includes(typeof header.typ === 'string' ? header.typ.toLowerCase() : header.typ)) throw badTokens.type;
    return this.#keys.keyFor(header);
  }
}

/** Of the header as it came, with the word Bearer: to cut that off would be a string more for each request. */
const digest = (authorization: string): string => hash('sha256', authorization, 'base64url');

/** The token of a header (RFC 6750, §2.1). Throws a refusal. */
function tokenIn(authorization: string): string {
  if (!/^bearer(?: |$)/i.test(authorization)) throw noCredentials;
  if (authorization.length > tokenCharsMax) throw badTokens.tooLong;
  const [, token] = /^bearer +([\w.~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined) throw malformed;
  return token;
}

const byClaim: Readonly<Record<string, Refused>> = { iss: badTokens.issuer, aud: badTokens.audience, nbf: badTokens.early };

/** What a client is told of why its token was not believed. */
function refusalOf(error: unknown): Refused {
  if (error instanceof errors.JWTExpired) return badTokens.expired;
  if (error instanceof errors.JWTClaimValidationFailed) return (error.reason === 'check_failed' ? byClaim[error.claim] : undefined) ?? badTokens.claims;
  if (error instanceof errors.JOSEAlgNotAllowed) return badTokens.algorithm;
  if (error instanceof errors.JWSSignatureVerificationFailed) return badTokens.signature;
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return badTokens.unknownKey;
  return badTokens.notJwt;
}
