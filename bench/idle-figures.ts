import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { build } from './paths.ts';

const file = join(build, 'idle.json');
const Kept = z.object({ commit: z.string(), ratio: z.number() });

/** Keeps what `bench:idle` found for the goals of the page: Tributary's memory as a multiple of Fastify's. */
export const keepIdleRatio = (commit: string, ratio: number): void => writeFileSync(file, JSON.stringify({ commit, ratio }));

/** What it found last, if that was at this commit. What is not committed changes without a name. */
export function idleRatio(commit: string): number | undefined {
  if (commit === 'uncommitted' || !existsSync(file)) return undefined;
  const kept = Kept.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  return kept.success && kept.data.commit === commit ? kept.data.ratio : undefined;
}
