import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { commandOf } from '../process/command-of.ts';

/** Somebody else uses the folder, and is alive. */
export class InUse extends Error {
  override readonly name = 'InUse';
}

export interface Owner {
  /** Gives the folder back; synchronous, so that it also works on the way out of a forced exit. */
  release(): void;
}

const Note = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue('expected JSON');
      return z.NEVER;
    }
  })
  .pipe(z.object({ pid: z.int(), command: z.string() }));

// Two starts in one process have the same pid, so the file alone could not tell them apart.
const ours = new Set<string>();

/** Takes `dir` for this process. A note left by a process that is gone does not count. */
export async function claim(dir: string): Promise<Owner> {
  const note = join(dir, 'owner.json');
  const mine = join(dir, `owner-${randomUUID()}.json`);
  if (ours.has(dir)) throw new InUse(`expected ${dir} to be free, but this same process already uses it`);
  await writeFile(mine, JSON.stringify({ pid: process.pid, command: commandOf(process.pid) }));
  try {
    await place(mine, note, dir);
  } finally {
    await rm(mine, { force: true });
  }
  ours.add(dir);
  return {
    release: () => {
      ours.delete(dir);
      rmSync(note, { force: true });
    },
  };
}

async function place(mine: string, note: string, dir: string): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      // A link appears with its content or not at all: nobody reads half a note.
      await link(mine, note);
      return;
    } catch {
      const holder = await livingHolder(note);
      if (holder !== undefined) {
        throw new InUse(`expected ${dir} to be free, but process ${holder.pid} uses it: ${holder.command}`);
      }
      await rm(note, { force: true });
    }
  }
  throw new InUse(`expected ${dir} to be free, but others keep taking it`);
}

async function livingHolder(note: string): Promise<z.infer<typeof Note> | undefined> {
  const { data: holder } = Note.safeParse(await readFile(note, 'utf8').catch(() => ''));
  if (holder === undefined || holder.pid === process.pid) return undefined;
  return commandOf(holder.pid) === holder.command ? holder : undefined;
}
