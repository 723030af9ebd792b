import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './paths.ts';
import { onExit } from './processes.ts';

const file = join(build, 'running');

/** Two benches at once would share a Postgres and spoil each other's numbers: the second one is refused. */
export function alone(): () => Promise<void> {
  mkdirSync(build, { recursive: true });
  const other = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (other > 0 && other !== process.pid && existsSync(`/proc/${other}`)) {
    throw new Error(`another bench is running (process ${other}): wait for it, or end it`);
  }
  writeFileSync(file, String(process.pid));
  return onExit(async () => rmSync(file, { force: true }));
}
