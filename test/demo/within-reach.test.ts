import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { folderWithinReach, isWithinReach } from '../../demo/postgres/within-reach.ts';

const somebody = { uid: 65_533, gid: 65_533 };
let folder: string;

beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'tributary-reach-')); });
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a folder that only its owner may enter keeps everybody else from what is in it', async () => {
  await mkdir(join(folder, 'data'));
  expect(isWithinReach(join(folder, 'data', 'base'), somebody)).toBe(false);
});

test('a folder that all may enter is within reach, and what is yet to be made in it', async () => {
  await chmod(folder, 0o711);
  expect(isWithinReach(join(folder, 'not', 'there', 'yet'), somebody)).toBe(true);
});

test('data of a user who cannot reach its place is kept in another one, always the same', async () => {
  const wanted = join(folder, 'data');
  const instead = folderWithinReach(wanted, somebody);
  expect(instead).not.toBe(wanted);
  expect(folderWithinReach(wanted, somebody)).toBe(instead);
  expect(folderWithinReach(join(folder, 'other'), somebody)).not.toBe(instead);
  expect(isWithinReach(instead, somebody)).toBe(true);
});

test('without another user everything stays where it is wanted', () => {
  expect(folderWithinReach(join(folder, 'data'), undefined)).toBe(join(folder, 'data'));
});
