import { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { expect, test } from 'vitest';
import { connectsWithin } from '../../src/clients/http-connect.ts';
import { fakeTime, pass } from '../core/fake-time.ts';

fakeTime();

const options = { hostname: 'upstream', protocol: 'http:', port: '80' };

/** A connection that is asked for, and whoever makes it. */
function asked() {
  const heard: buildConnector.CallbackArgs[] = [];
  const answers: buildConnector.Callback[] = [];
  connectsWithin(300, (_, callback) => { answers.push(callback); })(options, (...args) => { heard.push(args); });
  return { heard, answer: answers[0]! };
}

test('a connection that is made in time is handed on, and so is a failure', async () => {
  const socket = new Socket();
  const made = asked();
  await pass(299);
  made.answer(null, socket);
  const refused = asked();
  refused.answer(new Error('refused'), null);
  await pass(1_000);
  expect([made.heard, refused.heard]).toEqual([[[null, socket]], [[new Error('refused'), null]]]);
  expect(socket.destroyed).toBe(false);
});

test('one that is not has failed in that moment, once, and what comes later is closed', async () => {
  const late = asked();
  const never = asked();
  await pass(299);
  expect(late.heard).toEqual([]);
  await pass(1);
  for (const { heard } of [late, never]) expect(heard).toEqual([[expect.objectContaining({ code: 'UND_ERR_CONNECT_TIMEOUT', message: 'no connection within 300 ms' }), null]]);
  const socket = new Socket();
  late.answer(null, socket);
  never.answer(new Error('undici has given up, too'), null);
  expect(socket.destroyed).toBe(true);
  expect([late.heard.length, never.heard.length]).toEqual([1, 1]);
});
