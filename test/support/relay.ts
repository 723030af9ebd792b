import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';
import type { Network, NetworkFault } from './network.ts';
import { Changes } from './until.ts';

// Taken at import: a network has a clock of its own.
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis;

/** What becomes of a connection that somebody makes to a relay. */
type Welcome = 'pass on' | 'swallow' | { readonly say: string };

interface Pair {
  readonly near: Socket;
  readonly far: Socket | undefined;
  readonly way: Way | undefined;
}

/** A network between a client and a server, with the faults of one. Connections that were passed on live on while new ones fare worse. */
export class Relay implements Network {
  /** The server's URL with the relay's address in place of its own. */
  readonly url: string;
  /** Of each connection, in the order in which they were made, what the client sent first. */
  readonly openings: Buffer[] = [];
  readonly #server: Server;
  readonly #target: URL;
  readonly #pairs = new Set<Pair>();
  readonly #changes = new Changes();
  #welcome: Welcome = 'pass on';
  #fault: NetworkFault | undefined;
  #accepted = 0;

  constructor(server: Server, target: string) {
    this.#server = server;
    this.#target = new URL(target);
    const own = new URL(target);
    own.hostname = '127.0.0.1';
    own.port = String((server.address() as AddressInfo).port);
    this.url = own.href;
    server.on('connection', (near) => { this.#take(near); });
  }

  /** From now on new connections are passed on, accepted and never heard, or told a few bytes and closed. */
  welcome(how: Welcome): void {
    this.#welcome = how;
  }

  /** From now on new connections are refused: nobody listens. */
  async refuse(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => { resolve(); });
      // `close` waits for connections too; that nobody listens any more is so at once.
      resolve();
    });
  }

  suffer(fault: NetworkFault | undefined): Promise<void> {
    // Of an answer that was swallowed in part, the rest is no answer.
    if (this.#fault?.kind === 'hang') for (const { near } of this.#pairs) near.destroy();
    this.#fault = fault;
    return Promise.resolve();
  }

  /** From now on nothing passes, in either direction, and nobody is told: a cable that was pulled. */
  silence(): void {
    for (const { near, far, way } of this.#pairs) {
      near.unpipe().pause();
      far?.unpipe().pause();
      way?.unpipe();
    }
  }

  /** How many connections have come. */
  get came(): number {
    return this.#accepted;
  }

  /** Resolves once so many connections have been made since the start. */
  accepted(count: number): Promise<void> {
    return this.#changes.until(() => this.#accepted >= count, () => `expected ${count} connections, but got ${this.#accepted}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far?.destroy();
    }
    if (!this.#server.listening) return;
    await new Promise((resolve) => { this.#server.close(resolve); });
  }

  #take(near: Socket): void {
    const at = this.#accepted++;
    const welcome = this.#welcome;
    const far = welcome === 'pass on' ? connect(Number(this.#target.port), this.#target.hostname) : undefined;
    const way = far && new Way(near, () => this.#fault);
    const pair = { near, far, way };
    this.#pairs.add(pair);
    near.once('data', (bytes: Buffer) => { this.openings[at] = bytes; });
    near.on('error', () => far?.destroy()).once('close', () => {
      far?.destroy();
      way?.destroy();
      this.#pairs.delete(pair);
    });
    // What the server has said in full is still on its way to the client, and ends its connection when it is there.
    far?.on('error', () => near.destroy()).once('close', () => { if (!far.readableEnded) near.destroy(); });
    if (far && way) near.pipe(far).pipe(way).pipe(near);
    if (typeof welcome === 'object') near.once('data', () => near.end(welcome.say));
    this.#changes.announce();
  }
}

/** Starts a relay in front of the server at `target`. */
export async function startRelay(target: string): Promise<Relay> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return new Relay(server, target);
}

/** The way back from the server, with the fault that the network has at the time. */
class Way extends Transform {
  readonly #near: Socket;
  readonly #fault: () => NetworkFault | undefined;
  #passedBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(near: Socket, fault: () => NetworkFault | undefined) {
    super();
    this.#near = near;
    this.#fault = fault;
  }

  override _transform(bytes: Buffer, _: BufferEncoding, done: TransformCallback): void {
    const fault = this.#fault();
    if (fault?.kind === 'hang') return done();
    if (fault?.kind === 'reset') return void this.#near.resetAndDestroy();
    if (fault?.kind === 'slice') return this.#slice(bytes, fault.bytes, fault.everyMs, done);
    const left = fault?.kind === 'cut' ? fault.afterBytes - this.#passedBytes : Infinity;
    this.#passedBytes += bytes.length;
    if (left > bytes.length) return done(null, bytes);
    if (left > 0) this.push(bytes.subarray(0, left));
    // The end of this way is the end of its connection.
    this.push(null);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    stopTimer(this.#timer);
    done(error);
  }

  #slice(bytes: Buffer, size: number, everyMs: number, done: TransformCallback): void {
    this.push(bytes.subarray(0, size));
    this.#timer = startTimer(() => {
      if (bytes.length > size) this.#slice(bytes.subarray(size), size, everyMs, done);
      else done();
    }, everyMs);
  }
}
