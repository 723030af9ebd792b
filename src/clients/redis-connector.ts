import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import { goodbyeMs } from './redis-options.ts';
import type { RedisAddress } from './redis-url.ts';

export function openSocket({ host, port }: RedisAddress, tls: boolean): Socket {
  const socket = tls ? connectTls({ host, port }) : connectTcp({ host, port });
  // For ever: a socket whose certificate was refused may report the other side's alert after that, ioredis listens for
  // one error alone, and an error that nobody hears ends the process.
  return socket.on('error', () => undefined);
}

/** How ioredis comes to a server whose address is in its options. */
export class ServerConnector extends AbstractConnector {
  readonly #address: RedisAddress;
  readonly #tls: boolean;

  /** With ioredis's own options, of a node of a cluster too. */
  constructor(options: unknown) {
    super(goodbyeMs);
    const { host, port, tls } = options as RedisAddress & { readonly tls?: object };
    this.#address = { host, port };
    this.#tls = tls !== undefined;
  }

  connect(): Promise<Socket> {
    this.connecting = true;
    const socket = openSocket(this.#address, this.#tls).once('error', (error: Error) => { this.firstError = error; });
    this.stream = socket;
    return Promise.resolve(socket);
  }
}
