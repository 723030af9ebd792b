import { expect, test } from 'vitest';
import { isBackground } from '../../../src/http/admission/priority.ts';

test.each(['u=7', 'u=6', 'u=7, i', 'i, u=7', 'i,u=6', 'u=7;x=1', ' u=7 '])('"%s" is work that nobody waits for', (priority) => {
  expect(isBackground(priority)).toBe(true);
});

test.each([undefined, '', 'u=0', 'u=3, i', 'u=5', 'u=70', 'u=8', 'U=7', 'xu=7', 'x=u=7', 'u = 7', ['u=7', 'u=7']])('%j is somebody\'s', (priority) => {
  expect(isBackground(priority)).toBe(false);
});
