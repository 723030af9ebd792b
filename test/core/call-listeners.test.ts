import { expect, test } from 'vitest';
import { callOver, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { Ear } from './ear.ts';
import { fakeTime } from './fake-time.ts';

fakeTime();

const clientGone = new Failure('client_gone', 'the client went away');
const three = () => [new Ear(), new Ear(), new Ear()] as const;

test('everybody who listens hears why the call was stopped, once', () => {
  using call = startCall(250);
  const ears = three();
  for (const ear of ears) call.listen(ear);
  call.stop(clientGone);
  call.end();
  expect(ears.map(({ heard }) => heard)).toEqual([[clientGone], [clientGone], [clientGone]]);
});

test.each([0, 1, 2])('who leaves hears nothing, and the others still do: number %d of three', (at) => {
  using call = startCall(250);
  const ears = three();
  for (const ear of ears) call.listen(ear);
  call.unlisten(ears[at]!);
  call.stop(clientGone);
  expect(ears.map(({ heard }) => heard.length)).toEqual([0, 1, 2].map((index) => (index === at ? 0 : 1)));
});

test('all may leave, in any order, and come back', () => {
  using call = startCall(250);
  const [first, second, third] = three();
  for (const ear of [first, second, third]) call.listen(ear);
  for (const ear of [second, first, third]) call.unlisten(ear);
  call.listen(second);
  call.stop(clientGone);
  expect([first, second, third].map(({ heard }) => heard.length)).toEqual([0, 1, 0]);
});

test('to leave a call that one does not listen to changes nothing', () => {
  using call = startCall(250);
  using other = startCall(250);
  const [first, second, stranger] = three();
  call.listen(first);
  call.listen(second);
  other.unlisten(second);
  call.unlisten(stranger);
  other.stop(clientGone);
  expect([first, second].map(({ heard }) => heard.length)).toEqual([0, 0]);
  call.stop(clientGone);
  expect([first, second].map(({ heard }) => heard.length)).toEqual([1, 1]);
});

test('who hears of the end may make others leave: they hear nothing then', () => {
  using call = startCall(250);
  const [first, , last] = three();
  // The last to come hears first.
  const leaver = new Ear(() => { call.unlisten(first); });
  for (const ear of [first, last, leaver]) call.listen(ear);
  call.stop(clientGone);
  expect([first, last, leaver].map(({ heard }) => heard.length)).toEqual([0, 1, 1]);
});

test('who hears of the end may leave, though that is done already', () => {
  using call = startCall(250);
  const early = new Ear();
  const leaver: Ear = new Ear(() => { call.unlisten(leaver); });
  call.listen(early);
  call.listen(leaver);
  call.stop(clientGone);
  expect([early, leaver].map(({ heard }) => heard.length)).toEqual([1, 1]);
});

test('who hears of the end may turn to another call', () => {
  using call = startCall(250);
  using other = startCall(250);
  const ear: Ear = new Ear(() => { if (!other.over) other.listen(ear); });
  call.listen(ear);
  call.stop(clientGone);
  other.end();
  expect(ear.heard).toEqual([clientGone, callOver]);
});

test('a call that is stopped again while it is being stopped goes on telling the first reason', () => {
  using call = startCall(250);
  const early = new Ear();
  call.listen(early);
  call.listen(new Ear(() => { call.end(); }));
  call.stop(clientGone);
  expect(early.heard).toEqual([clientGone]);
});

test('who hears of the end may end a call beside its own, and that one is not told again', () => {
  using call = startCall(250);
  const beside = call.inner();
  const ear = new Ear();
  beside.listen(ear);
  call.listen(new Ear(() => { beside.end(); }));
  call.stop(clientGone);
  expect(ear.heard).toEqual([callOver]);
});
