import type { Logger } from 'pino';
import { keysAtUrl, keysInFile } from '../clients/jwks.ts';
import type { JwtConfig } from '../config.ts';
import { Keys } from '../http/auth/keys.ts';
import { Tokens } from '../http/auth/tokens.ts';
import type { Authentication } from '../http/edge.ts';

/** Who asks, by their tokens; and what has to be closed in the end. */
export interface Authenticating {
  readonly authentication: Authentication;
  close(): Promise<void>;
}

/** Resolves once the keys are loaded, or could not be: the service starts without them, and refuses callers until it has some. */
export async function startAuthenticating({ jwksUrl, keysFile, ...rules }: JwtConfig, log: Logger): Promise<Authenticating> {
  const keys = new Keys(jwksUrl === undefined ? keysInFile(keysFile ?? '') : keysAtUrl(jwksUrl), log);
  const authentication = new Tokens(keys, rules);
  await keys.start();
  return { authentication, close: () => keys.close() };
}
