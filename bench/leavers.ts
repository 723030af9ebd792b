import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { path } from './services.ts';
import { userCount } from './fixture/postgres.ts';

/** Up to here a client waits before it hangs up, in milliseconds: some leave before they are read, some under way, few after. */
const patienceMs = 4;

/** One client that asks and leaves with a reset. */
async function leave(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // It leaves anyway.
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
  socket.write(`GET ${path}${1 + Math.floor(Math.random() * userCount)} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  await sleep(Math.random() * patienceMs);
  socket.resetAndDestroy();
}

/** So many clients that hang up early, spread over a time. */
export async function leavers(port: number, count: number, seconds: number): Promise<void> {
  const gone: Promise<void>[] = [];
  const waves = Math.ceil(seconds * 50);
  for (let wave = 0; wave < waves; wave++) {
    const upTo = Math.round((count * (wave + 1)) / waves);
    while (gone.length < upTo) gone.push(leave(port));
    await sleep(20);
  }
  await Promise.all(gone);
}
