import { demoIssuer, demoKeys } from './demo-keys.ts';
import type { Settings } from './settings.ts';

/** Set either way: what the shell of whoever runs this says of another issuer is not meant here. */
export async function authentication(root: string, auth: Settings['AUTH']): Promise<Record<string, string>> {
  if (auth === 'none') return { AUTH: 'none' };
  const { publicFile } = await demoKeys(root);
  const { issuer, audience, algorithm } = demoIssuer;
  return { AUTH: 'jwt', JWT_JWKS_URL: '', JWT_KEYS_FILE: publicFile, JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_ALGORITHMS: algorithm, JWT_ROLES_CLAIM: 'roles' };
}
