import { keysAtUrl } from '../../src/clients/jwks.ts';
import { Keys } from '../../src/http/auth/keys.ts';
import { Tokens } from '../../src/http/auth/tokens.ts';
import { type Answer, json } from '../support/answers.ts';
import { jwksOf, type Pair, rules } from '../support/issuer.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { keptLog } from '../http/in-memory.ts';

/** An issuer on a real socket, and who believes its tokens. */
export interface Issued extends AsyncDisposable {
  readonly server: Upstream;
  readonly tokens: Tokens;
  readonly lines: ReturnType<typeof keptLog>['lines'];
  /** How often the keys were fetched. */
  readonly fetches: number;
  publish(...pairs: readonly Pair[]): void;
  answer(answer: Answer): void;
}

export async function startIssuer(...pairs: readonly Pair[]): Promise<Issued> {
  const server = await startUpstream();
  server.answer(json(jwksOf(...pairs)));
  const { log, lines } = keptLog();
  const keys = new Keys(keysAtUrl(`${server.url}/realms/shop/certs?p=sign`), log);
  const tokens = new Tokens(keys, rules);
  await keys.start();
  return {
    server, tokens, lines,
    get fetches() { return server.requests.length; },
    publish: (...next) => { server.answer(json(jwksOf(...next), { headers: { 'content-type': 'application/jwk-set+json' } })); },
    answer: (next) => { server.answer(next); },
    async [Symbol.asyncDispose]() {
      await keys.close();
      await server.stop();
    },
  };
}
