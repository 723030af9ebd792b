import { expect, test } from 'vitest';
import { Debts } from '../../src/clients/redis-debts.ts';

/** Pays, and says what was asked for. */
async function paid(debts: Debts, refuse: (token: string) => boolean = () => false) {
  const asked: [readonly string[], string][] = [];
  let reason: unknown;
  try {
    await debts.pay(async (tags, token) => {
      asked.push([tags, token]);
      if (refuse(token)) throw new Error(`no ${token}`);
    });
  } catch (error) {
    reason = error;
  }
  return { asked, reason };
}

test('what is owed is asked for by token, once, and then nothing is owed', async () => {
  const debts = new Debts();
  debts.add(['a', 'b'], '1');
  debts.add(['c'], '2');
  expect(await paid(debts)).toEqual({ asked: [[['a', 'b'], '1'], [['c'], '2']], reason: undefined });
  expect(debts.size).toBe(0);
  expect(await paid(debts)).toEqual({ asked: [], reason: undefined });
});

test('a tag is owed with the last token it was invalidated with', async () => {
  const debts = new Debts();
  debts.add(['a', 'b'], '1');
  debts.add(['a'], '2');
  expect((await paid(debts)).asked).toEqual([[['b'], '1'], [['a'], '2']]);
});

test('what is not taken stays owed, and the rest is paid', async () => {
  const debts = new Debts();
  debts.add(['a'], '1');
  debts.add(['b'], '2');
  expect(await paid(debts, (token) => token === '1')).toMatchObject({ reason: new Error('no 1') });
  expect((await paid(debts)).asked).toEqual([[['a'], '1']]);
});

test('what is invalidated again while it is paid stays owed', async () => {
  const debts = new Debts();
  debts.add(['a'], '1');
  await debts.pay(async () => { debts.add(['a'], '2'); });
  expect((await paid(debts)).asked).toEqual([[['a'], '2']]);
});

test('beyond a thousand the oldest are given up, and that is said', async () => {
  const debts = new Debts();
  for (let at = 0; at < 1_000; at++) expect(debts.add([`tag${at}`], 'x')).toBe(true);
  // Again, it is the youngest.
  expect(debts.add(['tag0'], 'x')).toBe(true);
  expect(debts.add(['more'], 'x')).toBe(false);
  const tags = (await paid(debts)).asked[0]?.[0];
  expect(tags).toHaveLength(1_000);
  expect(tags).not.toContain('tag1');
  expect(tags).toContain('tag0');
  expect(tags).toContain('more');
});
