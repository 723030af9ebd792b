/**
 * Clients inside the cluster that do not wait for each other: so many requests a second for users drawn at random, until standard input ends.
 * Half of them on connections that are kept for as long as the service lets them, half each on a new one. Prints one `Seen` as JSON.
 * It is run by its text, in a pod that knows nothing of this repository, so it imports nothing of ours: `node -e TEXT -- URL RATE USERS`.
 */
import { Agent, get } from 'node:http';

export interface Seen {
  readonly asked: number;
  /** How many answers were `whole` or `incomplete: …`, how many had another status than 200, and how many were `lost, …`. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Until the last byte of an answer, whatever its status. */
  readonly ms: { readonly p50: number; readonly p99: number; readonly max: number };
  /** The first of those that were not whole: when, and what. */
  readonly first: readonly string[];
}

/** More than any answer takes: who waits longer has lost a request. */
const patienceMs = 5_000;
const tickMs = 10;
const toldMax = 20;

const [url = '', rate = '', users = ''] = process.argv.slice(1);

// Each in its turn, so that none stays idle for long: a connection that is told to close is told so by its next answer.
const kept = new Agent({ keepAlive: true, maxFreeSockets: 20, scheduling: 'fifo' });

const beganAt = performance.now();
const outcomes: Record<string, number> = {};
const ms: number[] = [];
const first: string[] = [];
let asked = 0;
let underWay = 0;
let ending = false;

/** `whole`, or why parts are missing: `incomplete: deadline_exceeded`. */
function missing(text: string): string {
  const { errors = [] } = JSON.parse(text) as { readonly errors?: readonly { readonly code: string }[] };
  return errors.length === 0 ? 'whole' : `incomplete: ${[...new Set(errors.map(({ code }) => code))].toSorted().join(', ')}`;
}

function ended(outcome: string): void {
  underWay--;
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  if (outcome !== 'whole' && first.length < toldMax) first.push(`${((performance.now() - beganAt) / 1_000).toFixed(1)} s: ${outcome}`);
  if (ending && underWay === 0) tell();
}

function ask(): void {
  const keeps = asked++ % 2 === 0;
  const askedAt = performance.now();
  underWay++;
  const how = keeps ? 'kept' : 'new';
  const request = get(`${url}${1 + Math.floor(Math.random() * Number(users))}`, { agent: keeps ? kept : false });
  const timer = setTimeout(() => { request.destroy(new Error(`no answer in ${patienceMs} ms`)); }, patienceMs);
  let over = false;
  const end = (outcome: string): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    ended(outcome);
  };
  const lost = (error: Error & { code?: string }): void => { end(`lost, ${how} connection: ${error.code ?? error.message}`); };
  request.once('error', lost).once('response', (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).once('error', lost).once('end', () => {
      ms.push(performance.now() - askedAt);
      end(response.statusCode === 200 ? missing(text) : `${response.statusCode}`);
    });
  });
}

function tell(): void {
  ms.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(ms[Math.min(ms.length - 1, Math.floor(ms.length * share))] ?? 0);
  const seen: Seen = { asked, outcomes, ms: { p50: at(0.5), p99: at(0.99), max: at(1) }, first };
  process.stdout.write(`${JSON.stringify(seen)}\n`, () => { process.exit(0); });
}

// By the clock and not by the ticks, which come late on a machine that is busy.
const ticks = setInterval(() => {
  const due = Math.floor(((performance.now() - beganAt) / 1_000) * Number(rate));
  while (asked < due) ask();
}, tickMs);

process.stdin.resume().once('end', () => {
  clearInterval(ticks);
  ending = true;
  if (underWay === 0) tell();
});
