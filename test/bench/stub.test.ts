import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { recommendations, server } from '../../bench/fixture/stub.ts';

let url = '';

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => fetch(`${url}/_control?mode=ok&delay_ms=0`));
afterAll(() => { server.closeAllConnections(); server.close(); });

const control = async (settings = ''): Promise<unknown> => (await fetch(`${url}/_control?${settings}`)).json();
const ask = (signal?: AbortSignal) => fetch(`${url}/recommendations?user=7`, signal ? { signal } : {});

test('it recommends what the Go stub recommends', () => {
  expect(recommendations(7)).toBe('["item-88807 notebook","item-30551 lamp","item-50298 headphones","item-70328 kettle","item-68271 27\\" screen","item-32912 27\\" screen","item-61896 kettle","item-49127 kettle","item-79799 tea","item-22792 headphones"]');
  expect(recommendations(2_147_483_647)).toBe('["item-42449 jacket","item-41712 bike-light","item-43875 kettle","item-66027 tent","item-67172 headphones","item-60421 kettle","item-91846 tea","item-42768 lamp","item-33014 lamp","item-78994 27\\" screen"]');
});

test('many users in one question: a member for each, in the order asked', async () => {
  const before = await control() as { served: number; requests: number };
  const answer = await (await fetch(`${url}/recommendations?user=7&user=2147483647&user=3`)).text();
  expect(answer).toBe(`{"7":${recommendations(7)},"2147483647":${recommendations(2_147_483_647)},"3":${recommendations(3)}}`);
  expect(await control()).toMatchObject({ served: before.served + 3, requests: before.requests + 1 });
});

test('one user alone is answered with a plain array, and counts as one', async () => {
  const before = await control() as { served: number; requests: number };
  expect(await (await ask()).text()).toBe(recommendations(7));
  expect(await control()).toMatchObject({ served: before.served + 1, requests: before.requests + 1 });
});

test.each(['', '?user=', '?user=x', '?user=7&user=-1'])('/recommendations%s is not found', async (query) => {
  expect((await fetch(`${url}/recommendations${query}`)).status).toBe(404);
});

test('error and garbage answer, reset does not', async () => {
  await control('mode=error');
  expect((await ask()).status).toBe(500);
  await control('mode=garbage');
  await expect((await ask()).json()).rejects.toThrow();
  await control('mode=reset');
  await expect(ask()).rejects.toThrow();
});

test('a request that hangs is open until its client leaves', async () => {
  await control('mode=hang');
  const leaving = new AbortController();
  const hanging = ask(leaving.signal);
  await expect.poll(() => control()).toMatchObject({ open: 1 });
  leaving.abort();
  await expect(hanging).rejects.toThrow();
  await expect.poll(() => control()).toMatchObject({ open: 0 });
});
