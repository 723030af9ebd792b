// Writes openapi.json from the definitions: npm run openapi. A test compares the two.
import { writeFile } from 'node:fs/promises';
import { describe } from '../src/app.ts';
import { withSources } from './service.ts';

const described = await withSources(describe);
expectOneEach(described['paths'] as Paths);
await writeFile(new URL('../openapi.json', import.meta.url), `${JSON.stringify(described, undefined, 2)}\n`);

type Paths = Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;

/** Clients are generated with a method for each: `orders-live` would be that of `orders`, live. */
function expectOneEach(paths: Paths): void {
  const seen = new Map<string, string>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const { operationId } of Object.values(methods)) {
      const other = seen.get(operationId);
      if (other !== undefined) throw new TypeError(`expected a name for each operation, but ${operationId} is ${other} as well as ${path}`);
      seen.set(operationId, path);
    }
  }
}
