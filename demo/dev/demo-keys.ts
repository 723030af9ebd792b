import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';

/** What demo tokens say of themselves, and the gateway of `npm run dev` expects. */
export const demoIssuer = { issuer: 'https://demo.tributary.invalid', audience: 'tributary-demo', algorithm: 'ES256' } as const;

export interface DemoKeys {
  /** To sign with; nobody but this machine's user may read its file. */
  readonly privateKey: JWK;
  /** What the gateway verifies with, as JWT_KEYS_FILE. */
  readonly publicFile: string;
}

/** The key pair of this working copy, made when it is first asked for. */
export async function demoKeys(root: string): Promise<DemoKeys> {
  const folder = join(root, '.tributary', 'keys');
  const privateFile = join(folder, 'private.json');
  const publicFile = join(folder, 'public.json');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const privateKey = readKey(privateFile) ?? await makeKey(privateFile);
  const { d: _, ...publicKey } = privateKey;
  replace(publicFile, { keys: [publicKey] });
  return { privateKey, publicFile };
}

function readKey(file: string): JWK | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`expected a key in ${file}, but it cannot be read: delete it, and another one is made`, { cause: error });
  }
}

/** Of two that make one at the same time, the key of the first counts: a link is not made over a file that is there. */
async function makeKey(file: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(demoIssuer.algorithm, { extractable: true });
  const key: JWK = { ...(await exportJWK(privateKey)), kid: 'demo', alg: demoIssuer.algorithm, use: 'sig' };
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(key), { mode: 0o600 });
  try {
    linkSync(draft, file);
    return key;
  } catch (error) {
    const other = readKey(file);
    if (!other) throw error;
    return other;
  } finally {
    rmSync(draft, { force: true });
  }
}

function replace(file: string, content: unknown): void {
  const text = JSON.stringify(content);
  try {
    if (readFileSync(file, 'utf8') === text) return;
  } catch {
    // There is none yet.
  }
  writeFileSync(file, text);
}
