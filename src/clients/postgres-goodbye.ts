import type { Client } from 'pg';

/** A server that has been told goodbye closes at once; one that does not is not waited for. */
const farewellMs = 250;

/** Ends a connection as its server expects it, so that nothing is in its log. `end` alone waits for a dead peer for ever. */
export async function sayGoodbye(client: Client): Promise<void> {
  const patience = setTimeout(() => { client.connection.stream.destroy(); }, farewellMs);
  await client.end();
  clearTimeout(patience);
}
