/**
 * Clients that do not wait for each other: so many requests a second, whatever becomes of them, for users drawn at random.
 * `node overload-load.ts PORT USERS RATE:SECONDS[,RATE:SECONDS…]`; a rate such as `c64` is that many clients who do wait, each
 * asking again once it is answered. Prints a line of JSON for each tenth of a second in which requests began.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { path } from './services.ts';

/** After it an answer is worth nothing: the deadline of the aggregate, and what a reply needs to be written and read. Answers given at the deadline are in time. */
const patienceMs = 2_100;
/**
 * All are made before anything is measured, since in an overload the kernel's queue of new ones (511) overflows first, and what
 * is lost there is no service's affair. Enough for all to be too late where none is shed; who finds no free one is not answered.
 */
const connectionsMax = 1_500;
/** How many are made at once. */
const wave = 50;
const bucketMs = 100;

const [port = '', users = '', plan = ''] = process.argv.slice(2);

interface Bucket {
  began: number;
  whole: number;
  partial: number;
  shed: number;
  /** Too late, cut off, refused, or answered with something else. */
  lost: number;
  /** Of the answers with 200, in milliseconds. */
  ms: number[];
}

const buckets: Bucket[] = [];
const bucketNow = (): Bucket => (buckets[Math.floor((performance.now() - startedAt) / bucketMs)] ??= { began: 0, whole: 0, partial: 0, shed: 0, lost: 0, ms: [] });

let open = 0;
const idle: Client[] = [];

/** A connection that carries one question after another. */
class Client {
  readonly #socket: Socket;
  #got = '';
  #bucket: Bucket | undefined;
  #askedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #done: (() => void) | undefined;

  constructor() {
    open++;
    this.#socket = connect(Number(port), '127.0.0.1').setNoDelay().setEncoding('latin1');
    this.#socket.on('data', (chunk: string) => { this.#read(chunk); });
    this.#socket.on('error', () => undefined);
    this.#socket.once('close', () => {
      open--;
      this.#ended('lost');
    });
  }

  ask(bucket: Bucket, done?: () => void): void {
    this.#bucket = bucket;
    this.#done = done;
    this.#askedAt = performance.now();
    this.#timer = setTimeout(() => { this.#socket.resetAndDestroy(); }, patienceMs);
    this.#socket.write(`GET ${path}${1 + Math.floor(Math.random() * Number(users))} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  }

  #read(chunk: string): void {
    this.#got += chunk;
    const head = this.#got.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#got.slice(0, head))?.[1]);
    if (this.#got.length < head + 4 + length) return;
    const status = this.#got.slice(9, 12);
    const how = status === '503' ? 'shed' : status !== '200' ? 'lost' : this.#got.includes('"errors":[', head) ? 'partial' : 'whole';
    this.#got = '';
    if (!this.#socket.destroyed) idle.push(this);
    this.#ended(how);
  }

  #ended(how: 'whole' | 'partial' | 'shed' | 'lost'): void {
    const at = idle.indexOf(this);
    if (this.#socket.destroyed && at >= 0) idle.splice(at, 1);
    const bucket = this.#bucket;
    if (!bucket) return;
    clearTimeout(this.#timer);
    this.#bucket = undefined;
    bucket[how]++;
    if (how === 'whole' || how === 'partial') bucket.ms.push(Math.round(performance.now() - this.#askedAt));
    this.#done?.();
  }
}

function begin(done?: () => void): void {
  const bucket = bucketNow();
  bucket.began++;
  const client = idle.pop() ?? (open < connectionsMax ? new Client() : undefined);
  if (client) return client.ask(bucket, done);
  bucket.lost++;
}

async function atRate(perSecond: number, seconds: number): Promise<void> {
  const from = performance.now();
  for (let begun = 0; ;) {
    const passed = performance.now() - from;
    if (passed > seconds * 1_000) return;
    // What is due, and what was missed while others had the CPU.
    for (const due = (passed / 1_000) * perSecond; begun < due; begun++) begin();
    await sleep(1);
  }
}

async function closed(count: number, seconds: number): Promise<void> {
  let over = false;
  const again = () => { if (!over) setImmediate(begin, again); };
  for (let at = 0; at < count; at++) again();
  await sleep(seconds * 1_000);
  over = true;
}

for (let made = 0; made < connectionsMax; made += wave) {
  for (let at = 0; at < wave; at++) idle.push(new Client());
  await sleep(20);
}
const startedAt = performance.now();
for (const phase of plan.split(',')) {
  const [rate = '', seconds = ''] = phase.split(':');
  await (rate.startsWith('c') ? closed(Number(rate.slice(1)), Number(seconds)) : atRate(Number(rate), Number(seconds)));
}
await sleep(patienceMs + 100);
for (let at = 0; at < buckets.length; at++) console.log(JSON.stringify(buckets[at] ?? { began: 0, whole: 0, partial: 0, shed: 0, lost: 0, ms: [] }));
process.exit(0);
