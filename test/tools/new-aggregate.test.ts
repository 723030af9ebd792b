// npm run new:aggregate, in a copy of this repository.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planAggregate } from '../../tools/aggregate-files.ts';

const run = promisify(execFile);
const app = await readFile('src/app.ts', 'utf8');
const seen = ['src', 'tools', 'test/http', 'test/core', 'test/support', 'package.json', 'tsconfig.json', 'vitest.config.ts', 'openapi.json'];

let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'tributary-new-aggregate-'));
  for (const path of seen) await cp(path, join(copy, path), { recursive: true });
  await symlink(join(process.cwd(), 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rm(copy, { recursive: true }));

const node = (...args: string[]) => run(process.execPath, args, { cwd: copy });
const textOf = (path: string) => readFile(join(copy, path), 'utf8');

test('what is written compiles, is described, and its test passes', { timeout: 180_000 }, async () => {
  const { stdout } = await node('tools/new-aggregate.ts', 'orders-page');
  expect(stdout).toContain('/api/orders-page is wired');
  expect(Object.keys((JSON.parse(await textOf('openapi.json')) as { paths: object }).paths)).toContain('/api/orders-page');
  await writeFile(join(copy, 'tsconfig.new.json'), JSON.stringify({ extends: './tsconfig.json', include: [], files: ['src/app.ts', 'test/aggregates/orders-page.test.ts'] }));
  await node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.new.json');
  expect((await node('node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', 'test/aggregates', 'test/http/openapi/service.test.ts')).stdout).toContain('test/aggregates/orders-page.test.ts');
});

test('what is there already stays as it is, and the error says what is wrong', async () => {
  await mkdir(join(copy, 'test/aggregates'), { recursive: true });
  await writeFile(join(copy, 'test/aggregates/half.test.ts'), '// mine');
  const before = [await textOf('src/app.ts'), await textOf('openapi.json')];
  await expect(node('tools/new-aggregate.ts', 'half')).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^expected a name that is free, but .*test\/aggregates\/half\.test\.ts is there already\n$/) as string });
  expect([await textOf('src/app.ts'), await textOf('openapi.json')]).toEqual(before);
  await expect(textOf('src/aggregates/half.ts')).rejects.toThrow('ENOENT');
  expect(await textOf('test/aggregates/half.test.ts')).toBe('// mine');
});

test.each([
  ['problem', 'expected one schema named Problem, but got two that differ\n'],
  ['user-overview-live', 'expected a name for each operation, but userOverviewLive is /api/aggregated/live as well as /api/user-overview-live\n'],
])('%s is taken in the description of the API, and nothing is changed', { timeout: 60_000 }, async (name, stderr) => {
  const before = [await textOf('src/app.ts'), await textOf('openapi.json')];
  await expect(node('tools/new-aggregate.ts', name)).rejects.toMatchObject({ code: 1, stderr });
  expect([await textOf('src/app.ts'), await textOf('openapi.json')]).toEqual(before);
  await expect(textOf(`src/aggregates/${name}.ts`)).rejects.toThrow('ENOENT');
});

test.each(['OrdersPage', 'orders_page', '-orders', 'orders-', '1st', '../orders', 'a b', '', 'x'.repeat(51)])('%j is no name', (name) => {
  expect(() => planAggregate(name, app)).toThrow(`expected a name in kebab case of at most 50 characters, such as orders-page, but got ${JSON.stringify(name)}`);
});

test.each([
  ['aggregated', 'expected a name whose path is free, but src/app.ts has /api/aggregated already'],
  ['delete', 'expected a name that is not used otherwise, but delete or Delete means something already'],
  ['await', 'expected a name that is not used otherwise, but await or Await means something already'],
  ['user-overview', 'expected a name that is not used otherwise, but userOverview or UserOverview means something already'],
  ['optional', 'expected a name that is not used otherwise, but optional or Optional means something already'],
])('%s is taken', (name, message) => {
  expect(() => planAggregate(name, app)).toThrow(message);
});

test('lines are put where they belong', () => {
  const { app: wired } = planAggregate('zebra', planAggregate('apple', app).app);
  const imports = [...wired.matchAll(/from '\.\/aggregates\/(.*)\.ts'/g)].map(([, name]) => name!);
  expect(imports).toEqual(imports.toSorted((a, b) => (a < b ? -1 : 1)));
  expect(imports).toEqual(expect.arrayContaining(['apple', 'zebra']));
  expect(wired).toMatch(/export const resourcesOf = [^]*\n {2}'\/api\/apple': apple\(sources\),\n {2}'\/api\/zebra': zebra\(sources\),\n\}\);/);
});

test('a src/app.ts that has been changed too much is left alone', () => {
  expect(() => planAggregate('orders-page', app.replaceAll('resourcesOf', 'all'))).toThrow(/^expected src\/app\.ts to import aggregates/);
});
