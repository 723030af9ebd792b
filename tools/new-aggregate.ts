// Writes an aggregate to begin with: npm run new:aggregate orders-page
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { planAggregate } from './aggregate-files.ts';

const root = join(import.meta.dirname, '..');
const at = (path: string) => join(root, path);

try {
  const [name, ...more] = process.argv.slice(2);
  if (name === undefined || more.length > 0) throw new Error(`expected one name, such as orders-page, but got ${name === undefined ? 'none' : more.length + 1}`);
  const route = await write(name);
  console.log(`${route} is wired:

  src/aggregates/${name}.ts         its parts, to be changed: docs/adding-an-aggregate.md says how
  test/aggregates/${name}.test.ts   npx vitest run --project unit test/aggregates
  src/app.ts, openapi.json          a line for it; \`npm run openapi\` after each change of what it answers`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

/** All of it, or nothing. */
async function write(name: string): Promise<string> {
  const kept = { 'src/app.ts': await readFile(at('src/app.ts'), 'utf8'), 'openapi.json': await readFile(at('openapi.json'), 'utf8') };
  const { route, created, app } = planAggregate(name, kept['src/app.ts']);
  const written: string[] = [];
  try {
    for (const [path, text] of Object.entries(created)) {
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), text, { flag: 'wx' });
      written.push(path);
    }
    await writeFile(at('src/app.ts'), app);
    // In a process of its own, which reads what has just been written.
    await promisify(execFile)(process.execPath, [at('tools/openapi.ts')]);
    return route;
  } catch (error) {
    for (const path of written) await rm(at(path));
    for (const [path, text] of Object.entries(kept)) await writeFile(at(path), text);
    const { code, path, stderr = '' } = error as NodeJS.ErrnoException & { readonly stderr?: string };
    if (code === 'EEXIST') throw new Error(`expected a name that is free, but ${path} is there already`, { cause: error });
    // What tools/openapi.ts says of the name, without its stack.
    const said = /^\w*Error: (.*)$/m.exec(stderr)?.[1];
    throw said === undefined ? error : new Error(said, { cause: error });
  }
}
