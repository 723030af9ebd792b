import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startChild } from '../../demo/dev/child.ts';
import { untilOk } from '../../demo/dev/until-ok.ts';
import { freePort } from '../../demo/process/free-port.ts';
import { installPython, type Python } from '../../demo/sentiment/python.ts';
import { request } from './http-client.ts';
import { patienceMs } from './until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** How long its packages may take to be installed, before the first test. */
export const installMs = 300_000;

/** A Python that runs the model, installed once below node_modules; or the reason why there is none. */
export function pythonForModel(): Promise<Python> {
  const packages = readFileSync(`${root}/demo/sentiment/requirements.txt`);
  return installPython(`${root}/node_modules/.cache/sentiment-${hash('sha256', packages).slice(0, 12)}`);
}

export interface Health {
  readonly runtime: 'python' | 'node';
  readonly analysed: number;
  readonly under_way: number;
  readonly under_way_max: number;
}

/** The real model in a process of its own. */
export interface SentimentModel extends AsyncDisposable {
  readonly url: string;
  health(): Promise<Health>;
  /** What it does wrong from now on, as its `POST /_control` takes it; nothing if left out. */
  fault(query?: string): Promise<void>;
  /** Resolves once it is at work on so many. */
  underWay(count: number): Promise<void>;
  /** Ends it at once. */
  kill(): Promise<void>;
}

/** By Python where that is there, else the Node twin. */
export async function startSentimentModel(python: Python): Promise<SentimentModel> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const said: string[] = [];
  const child = await startChild({
    ...('command' in python ? { command: python.command, args: ['demo/sentiment/main.py'] } : { args: ['demo/sentiment/main.ts'] }),
    cwd: root,
    env: { PORT: String(port), HOST: '127.0.0.1', PYTHONDONTWRITEBYTECODE: '1' },
    onLine: (line) => { said.push(line); },
    onCrash: (reason) => { said.push(reason); },
    endLimitMs: 5_000,
  });
  const kill = async () => {
    child.kill();
    await child.end();
  };
  try {
    await untilOk(`${url}/health`, 30_000, new AbortController().signal);
  } catch (error) {
    await kill();
    throw new Error(`the model does not start: ${said.join('\n')}`, { cause: error });
  }
  const health = async () => (await request(`${url}/health`)).json as Health;
  return {
    url, health, kill,
    async fault(query = '') {
      const reply = await request(`${url}/_control${query}`, { method: 'POST' });
      if (reply.status !== 200) throw new Error(`expected a fault that the model knows, but got ${reply.text}`);
    },
    async underWay(count) {
      const endsAt = performance.now() + patienceMs;
      for (;;) {
        const { under_way: seen } = await health();
        if (seen === count) return;
        if (performance.now() > endsAt) throw new Error(`expected the model at work on ${count}, but got ${seen}`);
      }
    },
    [Symbol.asyncDispose]: kill,
  };
}
