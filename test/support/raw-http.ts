import { connect, type Socket } from 'node:net';
import { Changes, bounded } from './until.ts';

/** A bare TCP connection: for what no HTTP client would send, and for sending it as slowly as one likes. */
export class Wire implements Disposable {
  /** Resolves when the connection is over, in whichever way. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #changes = new Changes();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#changes.announce();
    });
    // A reset is one of the ways in which a connection ends; `closed` tells it.
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve();
        this.#changes.announce();
      });
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get open(): boolean {
    return !this.#socket.destroyed;
  }

  /** Resolves when the kernel has the bytes; text goes as Latin-1, one byte a character. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  /** Resolves when what was received (as Latin-1) has `text` in it. */
  async until(text: string, timeoutMs?: number): Promise<void> {
    const read = () => this.received.toString('latin1');
    await this.#changes.until(
      () => {
        if (read().includes(text)) return true;
        if (!this.open) throw new Error(`expected "${text}", but the connection ended after "${read()}"`);
        return false;
      },
      () => `expected "${text}", but got "${read()}"`,
      timeoutMs,
    );
  }

  /** Sends a FIN: nothing more will be said, but what comes is still read. */
  end(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

export async function dial(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  return new Wire(socket);
}

/** Sends these bytes and returns everything received until the server closes the connection. */
export async function raw(url: string, bytes: string | Uint8Array, timeoutMs?: number): Promise<Buffer> {
  using wire = await dial(url);
  await wire.write(bytes);
  const tell = () => `expected the server to close, but it has only sent "${wire.received.toString('latin1')}"`;
  await bounded(wire.closed, tell, timeoutMs);
  return wire.received;
}

/** Asks for all paths of one server one upon the other, in one segment, so that they come in one turn. Returns the replies as text, in order. */
export async function pipelined(url: string, paths: readonly string[]): Promise<readonly string[]> {
  const questions = paths.map((path, at) => `GET ${path} HTTP/1.1\r\nHost: test\r\n${at === paths.length - 1 ? 'Connection: close\r\n' : ''}\r\n`);
  return (await raw(url, questions.join(''))).toString().split(/(?=HTTP\/1\.1 \d{3} )/);
}
