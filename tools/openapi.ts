// Writes openapi.json from the definitions: npm run openapi. A test compares the two.
import { writeFile } from 'node:fs/promises';
import { describe } from '../src/app.ts';
import { withSources } from './service.ts';

const text = await withSources((sources) => `${JSON.stringify(describe(sources), undefined, 2)}\n`);
await writeFile(new URL('../openapi.json', import.meta.url), text);
