// Row 11. An upstream sends ten gigabytes, or never stops: what is read of it ends at a mebibyte, and the memory of the
// process stays what it was.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flood, json } from '../support/answers.ts';
import type { Database } from '../support/postgres.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from '../system/gateway.ts';
import { type Service, startService } from '../system/service.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('more came than is read', 'the rest was cut off');

let database: Database;
let upstream: Upstream;
let service: Service;

beforeAll(async () => {
  [database, upstream] = await Promise.all([seedDatabase(), startUpstream()]);
  service = await startService({ DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await Promise.all([upstream.stop(), database.drop()]);
});

const mib = 1024 * 1024;

/** The most memory that a process has had since the last question, in MiB; nothing where there is no /proc to ask. */
function mostRss(pid: number): number | undefined {
  if (!existsSync(`/proc/${pid}/clear_refs`)) return undefined;
  const kib = Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return kib / 1024;
}

async function expectCut(declared: boolean): Promise<void> {
  const body = flood({ bytes: declared ? 10_000 * mib : Infinity, declared });
  upstream.answer(body.answer);
  const reply = await service.ask(1);
  expect([reply.status, reply.json]).toMatchObject([200, {
    user_data: { name: 'User 1' }, recommendations: [], errors: [{ part: 'recommendations', code: 'bad_answer', detail: 'the recommendations service answered with more than 1 MiB' }],
  }]);
  await upstream.allClosed();
  saw('more came than is read', body.writtenBytes > mib);
  // A mebibyte is read; a few more the kernels of both sides hold.
  saw('the rest was cut off', body.writtenBytes < 8 * mib);
  expect(body.writtenBytes).toBeLessThan(8 * mib);
}

test.each([['of ten gigabytes, as it says', true], ['without end', false]])('a body %s is cut at a mebibyte, and costs less than 10 MiB of memory', async (what, declared) => {
  // What any process takes for its first answers, good and long ones.
  for (let turn = 0; turn < 20; turn++) {
    upstream.answer(json(['a', 'b']));
    // Two for one that fails: a source of which less than half is good is asked less.
    expectComplete([await service.ask(1), await service.ask(1)]);
    await expectCut(declared);
  }
  mostRss(service.pid);
  const before = mostRss(service.pid);
  await expectCut(declared);
  const after = mostRss(service.pid);
  if (before === undefined || after === undefined) return;
  process.stderr.write(`a body ${what}: ${before.toFixed(1)} MiB before, ${after.toFixed(1)} MiB at most while it came\n`);
  expect(after - before).toBeLessThan(10);
});
