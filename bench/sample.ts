import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { userCount } from './fixture/postgres.ts';
import { get } from './processes.ts';
import { path, type Running } from './services.ts';

type Asked = Pick<Running, 'port' | 'headers'>;

export interface Sampled {
  /** How many answers were read, and how many of them had all three parts. */
  readonly sampled: number;
  readonly whole: number;
}

/** Ten times a second looks into an answer: wrk sees only its status, and a part that is missing is a 200 too. */
export async function sample({ port, headers }: Asked, signal: AbortSignal): Promise<Sampled> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const counts = { sampled: 0, whole: 0 };
  while (!signal.aborted) {
    const { status, body } = await get(port, path + (1 + Math.floor(Math.random() * userCount)), { agent, headers });
    counts.sampled++;
    if (status === 200 && isWhole(body)) counts.whole++;
    await sleep(100);
  }
  agent.destroy();
  return counts;
}

function isWhole(body: string): boolean {
  try {
    return Object.keys(JSON.parse(body) as object).toSorted().join() === 'analytics,recommendations,user_data';
  } catch {
    return false;
  }
}

/** Asks for every user so many times, fifty at once, so that what can be cached is. Returns how many requests that took. */
export async function fill({ port, headers }: Asked, times: number): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
  let left = userCount * times;
  const ask = async () => {
    while (left > 0) {
      await get(port, path + (1 + (left-- % userCount)), { agent, headers });
    }
  };
  await Promise.all(Array.from({ length: 50 }, ask));
  agent.destroy();
  return userCount * times;
}
