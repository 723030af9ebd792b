import { importJWK, SignJWT } from 'jose';
import { demoIssuer, demoKeys } from './demo-keys.ts';

export interface TokenOptions {
  readonly user: string;
  readonly scope?: readonly string[];
  readonly role?: readonly string[];
  /** As jose has it: `1h`. */
  readonly ttl: string;
}

/** A token that the gateway of `npm run dev` in the working copy `root` believes. */
export async function demoToken(root: string, { user, scope = [], role = [], ttl }: TokenOptions): Promise<string> {
  const { privateKey } = await demoKeys(root);
  return new SignJWT({ ...(scope.length > 0 ? { scope: scope.join(' ') } : {}), ...(role.length > 0 ? { roles: role } : {}) })
    .setProtectedHeader({ alg: demoIssuer.algorithm, kid: privateKey.kid ?? '', typ: 'at+jwt' })
    .setIssuer(demoIssuer.issuer).setAudience(demoIssuer.audience).setSubject(user).setIssuedAt().setExpirationTime(ttl)
    .sign(await importJWK(privateKey));
}
