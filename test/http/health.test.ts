import { expect, test } from 'vitest';
import type { Clients } from '../../src/clients/clients.ts';
import type { Call } from '../../src/core/call.ts';
import { createHealth } from '../../src/http/health.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';

fakeTime();

type Check = (call: Call) => Promise<void>;
const well: Check = () => Promise.resolve();
const unwell: Check = () => Promise.reject(new Error('the analytics store failed'));
const hanging: Check = (call) => new Promise((_, reject) => { call.signal.addEventListener('abort', () => { reject(call.signal.reason as Error); }); });

function health({ started = true, draining = false, shedding = false, analytics = well } = {}) {
  // Only their checks are asked.
  const clients = { postgres: { check: well }, analytics: { check: analytics } } as unknown as Clients;
  return createHealth(clients, { started: () => started, draining: () => draining, shedding: () => shedding });
}

test.each([
  ['/livez', {}, 200],
  ['/livez', { started: false, draining: true }, 200],
  ['/startupz', {}, 200],
  ['/startupz', { started: false }, 503],
  ['/startupz', { draining: true }, 200],
  ['/readyz', {}, 200],
  ['/readyz', { started: false }, 503],
  ['/readyz', { draining: true }, 503],
  ['/readyz', { shedding: true }, 503],
  ['/livez', { shedding: true }, 200],
  ['/readyz', { analytics: unwell }, 200],
])('%s of a gateway with %o is %d', async (path, state, status) => {
  const reply = await health(state).request(path);
  expect(reply.status).toBe(status);
  expect(await reply.text()).toBe(status === 200 ? 'ok' : 'not ok');
});

test('people who add ?verbose see every check and every dependency, which do not decide', async () => {
  const reply = await health({ analytics: unwell }).request('/readyz?verbose');
  expect(reply.status).toBe(200);
  expect(await reply.text()).toBe('[+] listening ok\n[+] not draining ok\n[+] not shedding ok\n[+] postgres ok\n[-] analytics degraded: the analytics store failed\nreadyz check passed\n');
});

test.each(['draining', 'shedding'] as const)('a check that fails is shown: %s', async (state) => {
  const reply = await health({ [state]: true }).request('/readyz?verbose');
  expect(reply.status).toBe(503);
  expect(await reply.text()).toContain(`[-] not ${state} failed\n`);
});

test('a dependency that hangs is waited for half a second', async () => {
  const reply = watch(Promise.resolve(health({ analytics: hanging }).request('/readyz?verbose')).then((reply) => reply.text()));
  await pass(499);
  expect(reply.now).toEqual({ state: 'pending' });
  await pass(1);
  await settled();
  expect(reply.now).toMatchObject({ value: expect.stringContaining('[-] analytics degraded: no answer within 500 ms') as string });
});
