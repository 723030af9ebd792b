import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How many open their streams at once. */
const wave = 100;

/** Connections from one address, of the 28,000 ports or so that the kernel has for each. */
const perAddress = 5_000;

/** How often a client tries, and how long it waits in between. */
const tries = 10;
const againMs = 1_000;

/** For how long a stream may keep us waiting; on a busy machine a wave takes its time. */
const patienceMs = 20_000;

/** Somebody who watches. */
export class Watcher {
  readonly #socket: Socket;
  #text = '';
  #looks: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text;
      this.#looks();
    });
    socket.on('error', () => undefined); // It is closed then, which is what is looked at.
    socket.on('close', () => { this.#looks(); });
  }

  /** Resolves once it has been told of all parts. Whoever is shed comes back, as clients do. */
  static async open(port: number, path: string, localAddress: string): Promise<Watcher> {
    for (let time = 1; ; time++) {
      const socket = connect({ port, host: '127.0.0.1', localAddress });
      await once(socket, 'connect');
      const watcher = new Watcher(socket);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
      const opened = await watcher.told('event: current').then(() => true, (error: unknown) => {
        if (time === tries) throw error;
        return false;
      });
      if (opened) return watcher;
      watcher.leave();
      await sleep(againMs);
    }
  }

  get isOpen(): boolean {
    return this.#socket.readyState === 'open';
  }

  /** Resolves with when it has been told something with these words in it, since it was last looked at. */
  async told(words: string): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const timer = setTimeout(() => reject(new Error(`expected to be told ${words}, but got ${this.#text.slice(0, 300)}`)), patienceMs);
    this.#looks = () => {
      if (this.#text.includes(words)) resolve(performance.now());
      else if (this.#text.startsWith('HTTP/1.1 503')) reject(new Error(`expected to be told ${words}, but got a 503`));
      else if (!this.isOpen) reject(new Error(`expected to be told ${words}, but the stream ended with ${this.#text.slice(0, 300)}`));
    };
    this.#looks();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#looks = () => undefined;
      this.#text = '';
    }
  }

  leave(): void {
    this.#socket.resetAndDestroy(); // With a reset, so that no port waits for a minute.
  }
}

/** So many who watch, each what `pathOf` says. */
export async function watchingCrowd(port: number, count: number, pathOf: (nth: number) => string): Promise<Watcher[]> {
  const watchers: Watcher[] = [];
  while (watchers.length < count) {
    const members = Array.from({ length: Math.min(wave, count - watchers.length) }, (_, at) => {
      const nth = watchers.length + at;
      return Watcher.open(port, pathOf(nth), `127.0.0.${2 + Math.floor(nth / perAddress)}`);
    });
    watchers.push(...(await Promise.all(members)));
  }
  return watchers;
}
