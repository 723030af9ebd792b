import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { path } from './services.ts';

/** How many connect and ask at once. */
const wave = 100;

/** Connections from one address, of the 28,000 ports or so that the kernel has for each. */
const perAddress = 5_000;

/** How often a client asks until it gets a 200: on a busy machine a deadline may pass. */
const tries = 5;

/** Sends a request and resolves with the head of its answer once the body is there too. Rejects if the connection ends before. */
async function ask(socket: Socket, id: number): Promise<string> {
  let got = Buffer.alloc(0);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const ended = () => reject(new Error(`the connection of client ${id} ended before it was answered`));
  const read = (chunk: Buffer) => {
    got = Buffer.concat([got, chunk]);
    if (isWhole(got)) resolve(got.subarray(0, 12).toString('latin1'));
  };
  socket.on('data', read).once('close', ended);
  socket.write(`GET ${path}${id} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  try {
    return await promise;
  } finally {
    socket.off('data', read).off('close', ended);
  }
}

/** A connection that stays open, once it has had a whole answer. */
async function served(port: number, id: number, localAddress: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  await once(socket, 'connect');
  socket.on('error', () => undefined); // It is closed then, which is what is looked at.
  let head = '';
  for (let time = 1; time <= tries && !head.endsWith(' 200'); time++) head = await ask(socket, id);
  if (!head.endsWith(' 200')) throw new Error(`expected a 200 for user ${id}, but got ${head}`);
  return socket;
}

/** Whether the head is there and the body as long as it says. Services that send chunks end them with an empty one. */
function isWhole(got: Buffer): boolean {
  const end = got.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(got.subarray(0, end).toString('latin1'))?.[1];
  return length === undefined ? got.subarray(-5).equals(Buffer.from('0\r\n\r\n')) : got.length >= end + 4 + Number(length);
}

/** So many connections, kept alive and idle, each of which has asked for one user. */
export async function idleCrowd(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const members = Array.from({ length: Math.min(wave, count - sockets.length) }, (_, at) => {
      const nth = sockets.length + at;
      return served(port, 1 + nth, `127.0.0.${2 + Math.floor(nth / perAddress)}`);
    });
    sockets.push(...(await Promise.all(members)));
  }
  return sockets;
}
