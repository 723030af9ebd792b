import type { Socket } from 'node:net';
import { AbstractConnector, Redis } from 'ioredis';
import { openSocket, ServerConnector } from './redis-connector.ts';
import { commonOptions, goodbyeMs, hangUp, untilRetryMs } from './redis-options.ts';
import type { RedisAddress, SentinelRedis } from './redis-url.ts';

/**
 * A connection to the sentinel with this number, counted round. The password is given as the default user's, whom
 * sentinels without passwords let in with any; they rarely know the users of the servers.
 */
export function createSentinel({ sentinels, password, tls }: SentinelRedis, at: number): Redis {
  const { host, port } = sentinels[at % sentinels.length] as RedisAddress;
  return new Redis({ ...commonOptions, Connector: ServerConnector, host, port, ...(password && { password }), ...(tls && { tls: {} }), retryStrategy: null });
}

/**
 * How ioredis finds the master. Its own way to do so can't be stopped between two attempts, and what it leaves behind
 * keeps a process alive for two seconds. Sentinels are asked in turn, since one may be cut off and not know it.
 */
export const sentinelConnector = (place: SentinelRedis, { once }: { readonly once: boolean }) =>
  class extends SentinelConnector {
    constructor() {
      super(place, once);
    }
  };

class SentinelConnector extends AbstractConnector {
  readonly #place: SentinelRedis;
  readonly #once: boolean;
  #turn: number;
  #stop = Promise.withResolvers<undefined>();

  constructor(place: SentinelRedis, once: boolean) {
    super(goodbyeMs);
    this.#place = place;
    this.#once = once;
    this.#turn = Math.floor(Math.random() * place.sentinels.length);
  }

  /** Until it has a connection, unless `once`: ioredis does not try again when this fails. */
  async connect(emit: (type: string, error: Error) => void): Promise<Socket> {
    this.connecting = true;
    this.#stop = Promise.withResolvers();
    for (;;) {
      const master = await this.#findMaster();
      if (!this.connecting) throw new Error('the connection was closed');
      if (!(master instanceof Error)) return this.#open(master);
      if (this.#once) throw master;
      emit('error', master);
      await this.#pause();
    }
  }

  /** Sentinels learn of a failover before its servers do. */
  override check({ role = 'master' }: { readonly role?: string }): boolean {
    return role === 'master';
  }

  override disconnect(): void {
    super.disconnect();
    this.#stop.resolve(undefined);
  }

  #open(master: RedisAddress): Socket {
    const socket = openSocket(master, this.#place.tls).once('error', (error: Error) => { this.firstError = error; });
    this.stream = socket;
    return socket;
  }

  async #findMaster(): Promise<RedisAddress | Error> {
    let why = new Error('expected a sentinel, but got none');
    for (let tries = 0; tries < this.#place.sentinels.length && this.connecting; tries++) {
      const sentinel = createSentinel(this.#place, this.#turn++);
      try {
        return await masterOf(sentinel, this.#place.master, this.#stop.promise);
      } catch (error) {
        why = error as Error;
      }
    }
    return why;
  }

  async #pause(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([this.#stop.promise, new Promise((resolve) => { timer = setTimeout(resolve, untilRetryMs()); })]);
    clearTimeout(timer);
  }
}

/** Rejects if it does not know, or says nothing; or when stopped. */
async function masterOf(sentinel: Redis, name: string, stop: Promise<undefined>): Promise<RedisAddress> {
  // The reason of a failed connection comes here alone: what `connect` rejects with says that it was closed.
  let why: Error | undefined;
  sentinel.on('error', (error: Error) => { why = error; });
  try {
    const asked = sentinel.connect().then(() => sentinel.call('SENTINEL', 'get-master-addr-by-name', name));
    const address = await Promise.race([asked, stop]);
    if (!Array.isArray(address)) throw new Error(`expected the sentinel to know ${name}, but got nothing`);
    return { host: String(address[0]), port: Number(address[1]) };
  } catch (error) {
    throw why ?? error;
  } finally {
    await hangUp(sentinel);
  }
}
