import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Changes } from './until.ts';

/** What becomes of a connection that somebody makes to a relay. */
type Welcome = 'pass on' | 'swallow' | { readonly say: string };

interface Pair {
  readonly near: Socket;
  readonly far: Socket | undefined;
}

/** A network between a client and a server, with the faults of one. Connections that were passed on live on while new ones fare worse. */
export class Relay implements AsyncDisposable {
  /** The server's URL with the relay's address in place of its own. */
  readonly url: string;
  /** Of each connection, in the order in which they were made, what the client sent first. */
  readonly openings: Buffer[] = [];
  readonly #server: Server;
  readonly #target: URL;
  readonly #pairs = new Set<Pair>();
  readonly #changes = new Changes();
  #welcome: Welcome = 'pass on';
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

  /** From now on nothing passes, in either direction, and nobody is told: a cable that was pulled. */
  silence(): void {
    for (const { near, far } of this.#pairs) {
      near.unpipe().pause();
      far?.unpipe().pause();
    }
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
    const pair = { near, far };
    this.#pairs.add(pair);
    near.once('data', (bytes: Buffer) => { this.openings[at] = bytes; });
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      socket?.on('error', () => other?.destroy()).once('close', () => {
        other?.destroy();
        this.#pairs.delete(pair);
      });
    }
    if (far) near.pipe(far).pipe(near);
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
