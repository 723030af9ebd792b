import { closeClients, createClients } from '../src/clients/clients.ts';
import { createSources, type Sources } from '../src/sources/sources.ts';

/** This service's sources as they are defined, for whoever reads them. Nothing is asked, so nothing connects. */
export async function withSources<T>(reading: (sources: Sources) => T): Promise<T> {
  const nowhere = 'postgres://127.0.0.1:9/none';
  const clients = createClients({
    databaseUrl: nowhere, analyticsUrl: nowhere, recommendationsUrl: 'http://127.0.0.1:9', poolSize: 1, poolWaitMs: 1, statementTimeoutMs: 1,
  }, () => undefined);
  try {
    return reading(createSources({ ...clients, cache: undefined }));
  } finally {
    await closeClients(clients);
  }
}
