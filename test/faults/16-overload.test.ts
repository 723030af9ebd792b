import { afterAll, beforeAll, expect, test } from 'vitest';
import { hang } from '../support/answers.ts';
import { keepAlive } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { seedDatabase } from '../system/gateway.ts';
import type { Service } from '../system/service.ts';
import { serve } from './served.ts';
import { sometimes } from './sometimes.ts';

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

const saw = sometimes(
  'more requests than the limit were under way', 'a request was shed', 'an answer left parts out', 'an answer came in spite of the load',
  'the process asked to be left alone', 'it was ready again', 'an answer was whole again',
);

interface Body {
  readonly errors?: readonly { readonly code: string }[];
}

const shedLines = ({ log }: Service) => log.filter(({ msg }) => msg === 'overloaded: requests were shed');

test('while an optional source hangs, hundreds wait for it and none is shed: nothing is overloaded', async () => {
  // Where others have the CPU, something is.
  await using it = await serve({ DATABASE_URL: database.url, ADMISSION: 'on' }, './punctual.ts');
  const { service, upstream } = it;
  upstream.answer(hang);
  let answered = 0;
  const asked = [];
  for (let wave = 0; wave < 10; wave++) {
    for (let at = 0; at < 30; at++) asked.push(service.ask(1 + (at % 20), { timeoutMs: 60_000 }).finally(() => { answered++; }));
    // It has come round since, so that they do not come as one burst. The source itself may rest by then.
    await service.probe('/livez');
  }
  saw('more requests than the limit were under way', asked.length - answered > 100);
  const replies = await Promise.all(asked);
  expect(replies.filter(({ status }) => status === 503)).toEqual([]);
  expect(shedLines(service)).toEqual([]);
});

/** Clients that ask without a pause until they are told to stop, whatever they hear. */
function crowd(service: Service, size: number) {
  const state = { asking: true };
  const statuses = new Set<number>();
  const client = async (id: number): Promise<void> => {
    using connection = keepAlive();
    while (state.asking) {
      const { status, headers, json } = await service.ask(id, { connection, timeoutMs: 60_000 });
      statuses.add(status);
      saw('an answer came in spite of the load', status === 200);
      saw('an answer left parts out', status === 200 && (json as Body).errors?.[0]?.code === 'overloaded');
      if (status !== 503) continue;
      expect(json).toMatchObject({ code: 'overloaded', status: 503 });
      expect(['1', '2', '3']).toContain(headers['retry-after']);
      saw('a request was shed');
    }
  };
  const clients = Promise.all(Array.from({ length: size }, (_, at) => client(1 + (at % 20))));
  return {
    statuses,
    async stop(): Promise<void> {
      state.asking = false;
      await clients;
    },
  };
}

/** Asks again and again until `wanted`, since nobody tells. */
async function once(look: () => Promise<boolean>, tell: string): Promise<void> {
  const endsAt = performance.now() + 90_000;
  while (!(await look())) if (performance.now() > endsAt) throw new Error(`after 90 s: expected ${tell}`);
}

test('asked for more than its CPU can do, it leaves parts out and sheds, answers the others, and is whole as soon as it is over', async () => {
  await using it = await serve({ DATABASE_URL: database.url, ADMISSION: 'on' }, './heavy.ts');
  const { service } = it;
  const ready = async () => (await service.probe('/readyz')).status === 200;
  const clients = crowd(service, 80);
  await once(async () => !(await ready()), 'a process that asks to be left alone');
  saw('the process asked to be left alone');
  expect((await service.probe('/readyz?verbose')).text).toContain('[-] not shedding failed');
  expect((await service.probe('/livez')).status).toBe(200);
  await clients.stop();
  // What came later than its deadline is allowed, what was cut off or fell over is not.
  for (const status of clients.statuses) expect([200, 503, 504]).toContain(status);
  await once(async () => ((await service.ask(1)).json as Body).errors === undefined, 'whole answers');
  saw('an answer was whole again');
  await once(ready, 'a process that is ready again');
  saw('it was ready again');
  await until(() => shedLines(service).length > 0, () => 'expected a line about what was shed');
  expect(service.over).toBe(false);
});
