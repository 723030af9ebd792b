import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { patienceMs } from './until.ts';

export type Reply = string | number | null | readonly Reply[];

/** What Redis answered with -: `OOM command not allowed …`. */
export class RedisError extends Error {}

/** A connection to Redis with nothing clever about it: no time-outs, no second try, RESP2. `using` hangs up. */
export class RedisWire implements Disposable {
  readonly #socket: Socket;
  readonly #waiting: PromiseWithResolvers<Reply>[] = [];
  #bytes = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#read();
    });
    socket.on('error', () => undefined).on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('expected a reply, but Redis hung up'));
    });
  }

  /** Rejects with a RedisError if Redis says one, and once the connection is closed. */
  send(...words: readonly string[]): Promise<Reply> {
    if (this.#socket.destroyed) return Promise.reject(new Error('expected a connection, but Redis hung up'));
    const reply = Promise.withResolvers<Reply>();
    this.#waiting.push(reply);
    this.#socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
    return reply.promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #read(): void {
    for (let at = replyAt(this.#bytes, 0); at; at = replyAt(this.#bytes, 0)) {
      this.#bytes = this.#bytes.subarray(at.end);
      const waiting = this.#waiting.shift();
      if (at.reply instanceof RedisError) waiting?.reject(at.reply);
      else waiting?.resolve(at.reply);
    }
  }
}

export async function connectWire(port: number): Promise<RedisWire> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  return new RedisWire(socket);
}

/** Asks again and again until `holds`, as fast as the answers come: for what a server becomes by itself. */
export async function eventually(holds: () => Promise<boolean>, tell: () => string, timeoutMs = patienceMs): Promise<void> {
  const endsAt = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`after ${timeoutMs} ms: ${tell()}`);
  }
}

/** The reply that begins at `start`, or undefined if not all of it has come yet. */
function replyAt(bytes: Buffer, start: number): { readonly reply: Reply | RedisError; readonly end: number } | undefined {
  const line = bytes.indexOf('\r\n', start);
  if (line < 0) return undefined;
  const text = bytes.toString('utf8', start + 1, line);
  const end = line + 2;
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case '+': return { reply: text, end };
    case '-': return { reply: new RedisError(text), end };
    case ':': return { reply: Number(text), end };
    case '$': {
      const size = Number(text);
      if (size < 0) return { reply: null, end };
      return bytes.length < end + size + 2 ? undefined : { reply: bytes.toString('utf8', end, end + size), end: end + size + 2 };
    }
    case '*': return listAt(bytes, end, Number(text));
    default: throw new Error(`expected a reply of Redis, but got ${JSON.stringify(text)}`);
  }
}

function listAt(bytes: Buffer, start: number, count: number): ReturnType<typeof replyAt> {
  if (count < 0) return { reply: null, end: start };
  const list: Reply[] = [];
  let end = start;
  while (list.length < count) {
    const item = replyAt(bytes, end);
    if (!item) return undefined;
    list.push(item.reply instanceof RedisError ? item.reply.message : item.reply);
    ({ end } = item);
  }
  return { reply: list, end };
}
