import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../../demo/process/free-port.ts';
import { leash } from '../../demo/process/leash.ts';
import { request } from './http-client.ts';
import type { Built } from './go-tool.ts';
import type { Network, NetworkFault } from './network.ts';
import { buildToxiproxy } from './toxiproxy-build.ts';
import { bounded } from './until.ts';

/** Between choosing a free port and listening on it somebody else may take it. */
const attemptsMax = 5;

let found: Promise<Built> | undefined;

/** Where toxiproxy is, built if need be, or why it cannot be had: said once. */
export function findToxiproxy(): Promise<Built> {
  return (found ??= buildToxiproxy().then((toxiproxy) => {
    process.stderr.write(`faults of the network are made by ${'path' in toxiproxy ? 'toxiproxy' : `our own relay, since ${toxiproxy.reason}`}\n`);
    return toxiproxy;
  }));
}

/** Starts a toxiproxy in front of the server at `target`. */
export async function startToxiproxy(path: string, target: string): Promise<Network> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const child = spawn(path, ['-host', '127.0.0.1', '-port', String(port)], { stdio: 'ignore' });
    const runs = () => child.exitCode === null && child.signalCode === null;
    const held = leash(child.pid!, 'TERM');
    const stop = async () => {
      const gone = runs() ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await gone;
      held.release();
    };
    try {
      const api = `http://127.0.0.1:${port}`;
      await bounded(answering(api, runs), () => 'expected toxiproxy to take commands', 10_000);
      return await inFrontOf(target, api, stop);
    } catch (error) {
      await stop();
      if (attempt === attemptsMax) throw error;
    }
  }
}

async function answering(api: string, runs: () => boolean): Promise<void> {
  while (runs()) {
    const version = await request(`${api}/version`).catch(() => undefined);
    if (version?.status === 200) return;
  }
  throw new Error('expected toxiproxy to run, but it ended');
}

async function inFrontOf(target: string, api: string, stop: () => Promise<void>): Promise<Network> {
  const { host } = new URL(target);
  const { listen } = await command('POST', `${api}/proxies`, { name: 'network', listen: '127.0.0.1:0', upstream: host, enabled: true }) as { listen: string };
  const url = new URL(target);
  url.host = listen;
  const toxics = `${api}/proxies/network/toxics`;
  let suffering = false;
  return {
    url: url.href,
    async suffer(fault) {
      if (suffering) await command('DELETE', `${toxics}/fault`);
      suffering = fault !== undefined;
      if (fault) await command('POST', toxics, { name: 'fault', stream: 'downstream', toxicity: 1, ...toxicOf(fault) });
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function command(method: 'POST' | 'DELETE', url: string, body?: unknown): Promise<unknown> {
  const reply = await request(url, { method, headers: { 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (reply.status >= 300) throw new Error(`expected toxiproxy to do ${method} ${url}, but got ${reply.status} ${reply.text}`);
  return reply.text === '' ? undefined : reply.json;
}

function toxicOf(fault: NetworkFault): { readonly type: string; readonly attributes: Readonly<Record<string, number>> } {
  switch (fault.kind) {
    case 'hang': return { type: 'timeout', attributes: { timeout: 0 } };
    case 'reset': return { type: 'reset_peer', attributes: { timeout: 0 } };
    case 'cut': return { type: 'limit_data', attributes: { bytes: fault.afterBytes } };
    // Its delay is in microseconds.
    case 'slice': return { type: 'slicer', attributes: { average_size: fault.bytes, size_variation: 0, delay: fault.everyMs * 1_000 } };
  }
}
