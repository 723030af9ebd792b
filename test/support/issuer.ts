import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export const rules = { issuer: 'https://issuer.test', audience: ['tributary', 'other-audience'], algorithms: ['RS256', 'ES256', 'EdDSA'], clockSkewMs: 30_000, rolesClaim: 'roles' };

/** A key pair under its id. */
export interface Pair {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  /** As issuers publish it. */
  readonly published: JWK;
}

export async function newPair(kid: string, alg = 'ES256'): Promise<Pair> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, published: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export const jwksOf = (...pairs: readonly Pair[]): { keys: JWK[] } => ({ keys: pairs.map(({ published }) => published) });

/** Seconds since 1970, so many from now. */
export const inS = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds;

/** What a good token says. */
export const claims = (more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> =>
  ({ iss: rules.issuer, aud: 'tributary', sub: '1', iat: inS(0), exp: inS(300), ...more });

/** A token with these claims on top of good ones; one that is undefined is left out. */
export function token(pair: Pair, more: Readonly<Record<string, unknown>> = {}, header: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return new SignJWT(claims(more)).setProtectedHeader({ alg: pair.alg, kid: pair.kid, typ: 'at+jwt', ...header }).sign(pair.privateKey);
}

export const bearer = (text: string): string => `Bearer ${text}`;
