import { fileURLToPath } from 'node:url';
import { json } from '../support/answers.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { type Environment, type Service, startService } from '../system/service.ts';

export interface Served extends AsyncDisposable {
  readonly service: Service;
  readonly upstream: Upstream;
}

/** The service as a process, with a recommender of its own; `loaded` are files of this folder that are put into it. */
export async function serve(environment: Environment & { readonly DATABASE_URL: string }, ...loaded: readonly `./${string}.ts`[]): Promise<Served> {
  const upstream = await startUpstream();
  upstream.answer(json(['a', 'b']));
  const imports = loaded.flatMap((file) => ['--import', fileURLToPath(new URL(file, import.meta.url))]);
  const service = await startService({ RECOMMENDATIONS_URL: upstream.url, ...environment }, imports);
  return {
    service, upstream,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await upstream.stop();
    },
  };
}
