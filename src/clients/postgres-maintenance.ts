import type { Client, ClientConfig } from 'pg';
import { clientsOf, connectToOne, Servers } from './postgres-servers.ts';
import { parsePostgresUrl } from './postgres-url.ts';

const connectMs = 10_000;

/** One connection for who changes tables, to the only server, or of several to the one that takes changes, whichever of them are read otherwise. */
export async function connectToMaintain(url: string, config: ClientConfig): Promise<Client> {
  const { urls } = parsePostgresUrl(url);
  const servers = new Servers({ urls, wanted: urls.length > 1 ? 'read-write' : 'any' });
  const ClientOfServers = clientsOf(servers, connectMs);
  return connectToOne(servers, async () => {
    const client = new ClientOfServers({ keepAlive: true, ...config });
    await client.connect();
    return client;
  });
}
