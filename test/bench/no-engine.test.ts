import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const repo = join(import.meta.dirname, '../..');
const oneLine = (text: string) => text.replace(/\s+/g, ' ');

/** The statements of a source file that ask for many keys at once. */
const statements = (file: string) =>
  [...oneLine(readFileSync(join(repo, file), 'utf8')).matchAll(/['`](select [^'`]*= any\(\$1\)[^'`]*)['`]/g)].map(([, text]) => text);

test('the floor asks what Tributary asks, word for word: otherwise the difference is not the engine', () => {
  const asked = [...statements('src/sources/profile.ts'), ...statements('src/clients/analytics.ts')];
  expect(asked).toHaveLength(2);
  expect(statements('bench/no-engine.ts')).toEqual(asked);
});
