import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { hang, json } from './answers.ts';
import { open, request } from './http-client.ts';
import { watchLeaks } from './leaks.ts';
import { startUpstream } from './upstream.ts';

afterEach(() => { vi.useRealTimers(); });

test('work that ends leaves nothing: timers, servers, connections, listeners, also of a request that was cut', async () => {
  const signal = new AbortController().signal;
  const emitter = new EventEmitter();
  const leaks = watchLeaks({ emitters: { signal, emitter } });
  {
    await using upstream = await startUpstream();
    upstream.answer(json(1), hang);
    await request(upstream.url);
    using cut = await open(upstream.url);
    await upstream.received(2);
    cut.reset();
    await upstream.allClosed();
  }
  await pause(1, undefined, { signal });
  const done = once(emitter, 'done');
  emitter.emit('done');
  await done;
  clearTimeout(setTimeout(() => {}, 60_000));
  await leaks.assertNone();
});

test('what ends a little later is waited for', async () => {
  const leaks = watchLeaks();
  setTimeout(() => {}, 50);
  await leaks.assertNone();
});

test('names a timer that is left, and where it was made', async () => {
  const leaks = watchLeaks({ settleMs: 20 });
  const timer = setInterval(() => {}, 60_000);
  await expect(leaks.assertNone()).rejects.toThrow(/expected nothing left behind, but got\n- Timeout, made at .*leaks\.test\.ts/);
  clearInterval(timer);
});

test('names a connection and a server that are left, unless they are allowed', async () => {
  const leaks = watchLeaks({ settleMs: 20 });
  const lenient = watchLeaks({ allow: ({ type }) => type.startsWith('TCP') });
  const upstream = await startUpstream();
  const socket = connect(Number(new URL(upstream.url).port), '127.0.0.1');
  await once(socket, 'connect');
  await lenient.assertNone();
  await expect(leaks.assertNone()).rejects.toThrow(/TCPSERVERWRAP, made [^]*TCPWRAP, made at .*leaks\.test\.ts/);
  socket.destroy();
  await upstream.stop();
});

test('names listeners that are left', async () => {
  const { signal } = new AbortController();
  const emitter = new EventEmitter().on('kept', () => {});
  const leaks = watchLeaks({ emitters: { signal, emitter }, settleMs: 20 });
  signal.addEventListener('abort', () => {});
  emitter.on('kept', () => {});
  await expect(leaks.assertNone()).rejects.toThrow(/1 more listeners for signal "abort"\n- 1 more listeners for emitter "kept"/);
});

test('names fake timers that are left', async () => {
  vi.useFakeTimers();
  setTimeout(() => {}, 10);
  const leaks = watchLeaks({ settleMs: 20 });
  setTimeout(() => {}, 20);
  await expect(leaks.assertNone()).rejects.toThrow('1 more fake timers');
});

test('names a rejection that nobody handled', async () => {
  // The runner would fail this test for the very rejection it makes.
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  try {
    const leaks = watchLeaks();
    void Promise.reject(new Error('the late loser'));
    await expect(leaks.assertNone()).rejects.toThrow(/a rejection nobody handled: Error: the late loser/);
  } finally {
    for (const other of others) process.on('unhandledRejection', other);
  }
});

test('leaves nothing of its own behind', async () => {
  const before = [process.listenerCount('unhandledRejection'), process.listenerCount('warning')];
  await watchLeaks().assertNone();
  expect([process.listenerCount('unhandledRejection'), process.listenerCount('warning')]).toEqual(before);
});
