import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { BadInput, expectOnly, wholeNumber } from './input.ts';

/** What may go wrong with an upstream, one word each. */
const MODES = ['ok', 'hang', 'reset', 'drip', 'error', 'garbage'] as const;
export type Mode = (typeof MODES)[number];

export interface Fault {
  readonly mode: Mode;
  readonly delayMs: number;
  /** Of this many questions one meets it, the last of them. */
  readonly oneIn: number;
}

export const HEALTHY: Fault = { mode: 'ok', delayMs: 0, oneIn: 1 };

export const FAULT_PARAMETERS = ['mode', 'delay_ms'] as const;
const ONE_IN_MAX = 1_000_000;
const DELAY_MS_MAX = 60_000;
// Slow enough that an answer of a few hundred bytes outlasts any deadline.
const DRIP_INTERVAL_MS = 100;

/** The fault that a query asks for; what it does not name is taken from `otherwise`. */
export function faultFrom(query: URLSearchParams, otherwise: Fault): Fault {
  const mode = query.get('mode') ?? otherwise.mode;
  const delay = query.get('delay_ms');
  return {
    mode: isMode(mode) ? mode : reject(mode),
    oneIn: otherwise.oneIn,
    delayMs: delay === null ? otherwise.delayMs : wholeNumber('delay_ms', delay, 0, DELAY_MS_MAX),
  };
}

/** The same for `POST /_control`, where nothing else may stand: a typo there would look like a fault that is not shown. */
export function controlFrom(query: URLSearchParams): Fault {
  expectOnly(query, [...FAULT_PARAMETERS, 'one_in']);
  const oneIn = query.get('one_in');
  return { ...faultFrom(query, HEALTHY), oneIn: oneIn === null ? 1 : wholeNumber('one_in', oneIn, 1, ONE_IN_MAX) };
}

function isMode(text: string): text is Mode {
  return MODES.some((mode) => mode === text);
}

function reject(mode: string): never {
  throw new BadInput(`expected mode to be one of ${MODES.join(', ')}, but got ${JSON.stringify(mode)}`);
}

/** Sends `body` the way the fault wants it. Rejects with an AbortError when `signal` ends the waiting. */
export async function send(response: ServerResponse, body: string, fault: Fault, signal: AbortSignal): Promise<void> {
  if (fault.delayMs > 0) await pause(fault.delayMs, undefined, { signal });
  switch (fault.mode) {
    case 'ok':
      reply(response, 200, body);
      return;
    case 'hang':
      // No answer at all: the client has to give up, or we end first.
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'drip':
      await drip(response, body, signal);
      return;
    case 'error':
      reply(response, 500, JSON.stringify({ error: 'the recommender was told to fail' }));
      return;
    case 'garbage':
      reply(response, 200, body.slice(0, body.length / 2));
      return;
  }
}

export function reply(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

async function drip(response: ServerResponse, body: string, signal: AbortSignal): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  for (const character of body) {
    response.write(character);
    await pause(DRIP_INTERVAL_MS, undefined, { signal });
  }
  response.end();
}
