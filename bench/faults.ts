import type { Fixture } from './fixture/fixture.ts';
import { type Answer, get } from './processes.ts';
import { path, type Running } from './services.ts';
import { lockTable } from './stores.ts';

interface Fault {
  readonly title: string;
  /** Breaks something; the function that is returned mends it. */
  readonly make: (fixture: Fixture) => Promise<() => Promise<unknown>>;
}

const upstream = (mode: string): Fault => ({
  title: `upstream: ${mode}`,
  make: async ({ stub }) => {
    await stub.control(`mode=${mode}`);
    return () => stub.control('mode=ok');
  },
});

const locked = (table: 'users' | 'analytics'): Fault => ({
  title: `${table} locked`,
  make: ({ postgres }) => lockTable(postgres.url, table),
});

export const faults: readonly Fault[] = [
  ...['hang', 'reset', 'drip', 'error', 'garbage'].map(upstream),
  locked('users'),
  locked('analytics'),
];

/** The status, the milliseconds, and the parts that a 200 says are missing. */
export function tell({ status, body, ms }: Answer): string {
  const missing = status === 200 ? [...body.matchAll(/"part":"([^"]+)"/g)].map(([, part]) => part) : [];
  return [status || 'no answer', `${ms.toFixed(0)} ms`, ...(missing.length > 0 ? [`without ${missing.join(' and ')}`] : [])].join(', ');
}

/** What one service answers to each fault; the contracts differ here, so this is told and not judged. */
export async function tryFaults(running: Running, fixture: Fixture): Promise<string[]> {
  const told: string[] = [];
  for (const [at, { make }] of faults.entries()) {
    const mend = await make(fixture);
    try {
      told.push(tell(await get(running.port, path + (101 + at), { timeoutMs: 6_000 })));
    } finally {
      await mend();
    }
  }
  return told;
}
