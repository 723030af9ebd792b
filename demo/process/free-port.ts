import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below 32768, where systems take the ports of outgoing connections from: while a server on such a port restarts, a
// client could be given its port, even one that was trying to reach it.
const ANY_LOWEST = 20_000;
const ANY_HIGHEST = 32_000;
// Enough to get past a handful of other developers' servers; more would hide that something is wrong.
const TRIES = 50;

/** A port on 127.0.0.1 that nobody listens on: `wanted` or the next above it that is not `taken`, or any at all. */
export async function freePort(wanted?: number, taken: ReadonlySet<number> = new Set()): Promise<number> {
  const first = wanted ?? randomInt(ANY_LOWEST, ANY_HIGHEST);
  for (let port = first; port < first + TRIES && port <= 65_535; port += 1) {
    if (!taken.has(port) && (await canListen(port))) return port;
  }
  throw new Error(`expected a free port on 127.0.0.1 from ${first} on, but the next ${TRIES} are all taken`);
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
