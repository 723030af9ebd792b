import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { build } from './paths.ts';

const keysFile = join(build, 'keys.json');
const issuer = 'https://bench.invalid';
const audience = 'bench';

/** What a service is started with that believes our tokens. It says as much about times as one with AUTH=none does in production: nothing. */
export const signedInEnv = { AUTH: 'jwt', JWT_KEYS_FILE: keysFile, JWT_ISSUER: issuer, JWT_AUDIENCE: audience, SERVER_TIMING: 'nobody' };

/** A token as issuers make them (RS256, some claims, 800 characters) that lets its bearer ask for every user; its key is published. */
export async function signIn(): Promise<Readonly<Record<string, string>>> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  writeFileSync(keysFile, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', use: 'sig' }] }));
  const claims = { scope: 'openid profile email aggregates:read:any', client_id: 'shop-app', jti: crypto.randomUUID(), sid: crypto.randomUUID(), roles: ['customer'] };
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'bench', typ: 'at+jwt' })
    .setIssuer(issuer).setAudience(audience).setSubject('bench').setIssuedAt().setExpirationTime('1d').sign(privateKey);
  return { authorization: `Bearer ${token}` };
}
