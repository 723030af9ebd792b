// npm run dev: Postgres with seeds, a recommender, a sentiment model and the gateway, on this machine alone. Ctrl-C ends all of it.
// npm run dev -- --fault: the same with requests, of which one in a thousand is slow: to find out why on the page.
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { banner, riddle } from './dev/banner.ts';
import { startServices } from './dev/services.ts';
import { readSettings } from './dev/settings.ts';
import { complain, tell } from './dev/voice.ts';
import { InUse } from './postgres.ts';

// npm passes a Ctrl-C on that the terminal has already sent: two signals this close together are one wish.
const SAME_WISH_MS = 500;

const running = new AsyncDisposableStack();
const killers = new Set<() => void>();
const ending = new AbortController();
let askedAtMs: number | undefined;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, endOrForce);
// Whoever read our output is gone (`npm run dev | head`): nobody is left to press Ctrl-C.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => ending.abort());

try {
  const root = join(import.meta.dirname, '..');
  const settings = readSettings(process.env);
  const { fault } = parseArgs({ options: { fault: { type: 'boolean', default: false } } }).values;
  if (fault && settings.AUTH === 'jwt') throw new Error('expected AUTH=none or AUTH=optional with --fault, whose requests bring no tokens, but got jwt');
  const urls = await startServices({ root, settings, fault, running, killers, ending: ending.signal, onCrash });
  ending.signal.throwIfAborted();
  console.log(fault ? riddle(urls) : banner(urls, settings.AUTH));
  await once(ending.signal, 'abort');
} catch (error) {
  // Once we are ending, whatever was still starting fails: only the first reason counts.
  if (!ending.signal.aborted) fail(error);
} finally {
  await running.disposeAsync();
}

function endOrForce(): void {
  const nowMs = performance.now();
  if (askedAtMs === undefined) {
    askedAtMs = nowMs;
    tell('ending the gateway, the models, Postgres (once more to force it)');
    ending.abort();
  } else if (nowMs - askedAtMs > SAME_WISH_MS) {
    complain('forced: everything is killed');
    for (const kill of killers) kill();
    process.exit(130);
  }
}

function onCrash(reason: string): void {
  fail(new Error(reason));
  ending.abort();
}

function fail(error: unknown): void {
  process.exitCode = 1;
  const message = error instanceof Error ? error.message : String(error);
  complain(error instanceof InUse ? `is "npm run dev" running already? ${message}` : `${message}\nending everything`);
}
