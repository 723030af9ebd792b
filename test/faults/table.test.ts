// The table itself: a row without a test is a promise that nobody keeps.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const rows = Array.from({ length: 43 }, (_, at) => at + 1);
const numberOf = (file: string): number => Number(/^(\d\d)-[a-z0-9-]+\.test\.ts$/.exec(file)?.[1]);
const files = readdirSync(import.meta.dirname).filter((file) => !Number.isNaN(numberOf(file)));

test('each row of the table has exactly one file', () => {
  const counted = rows.map((row) => [row, files.filter((file) => numberOf(file) === row)] as const);
  expect({
    missing: counted.flatMap(([row, found]) => (found.length === 0 ? [row] : [])),
    twice: counted.flatMap(([, found]) => (found.length > 1 ? found : [])),
    unknown: files.filter((file) => !rows.includes(numberOf(file))),
  }).toEqual({ missing: [], twice: [], unknown: [] });
});

test('README.md names the file of each row', () => {
  const page = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const named = new Map([...page.matchAll(/^\| (\d+) \| `([^`]+)` \|/gm)].map(([, row, file]) => [Number(row), file]));
  expect([...named.keys()]).toEqual(rows);
  expect(files.filter((file) => named.get(numberOf(file)) !== file)).toEqual([]);
});
