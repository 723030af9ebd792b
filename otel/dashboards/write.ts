// node otel/dashboards/write.ts: writes each dashboard to its JSON file, beside its definition.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { boards, written } from './all.ts';

for (const [name, board] of Object.entries(boards)) await writeFile(join(import.meta.dirname, `${name}.json`), written(board));
