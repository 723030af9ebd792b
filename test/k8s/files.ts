import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { render } from './manifests.ts';

export const variants = [['dev', []], ['production', []], ['production', ['monitoring']]] as const;

/** A folder for programs that read files: rendered overlays, and what is made of them. */
export async function makeFiles() {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-k8s-'));
  const write = async (name: string, yaml: string): Promise<string> => {
    const file = join(folder, `${name}.yaml`);
    await writeFile(file, yaml);
    return file;
  };
  return {
    write,
    async rendered(overlay: string, components: readonly string[]): Promise<string> {
      return write([overlay, ...components].join('-'), (await render(overlay, ...components)).yaml);
    },
    remove: () => rm(folder, { recursive: true }),
  };
}

/** What a program says of them, whatever its exit code. */
export const run = (command: string, args: readonly string[]) => new Promise<{ code: number; said: string }>((resolve) => {
  execFile(command, args, { maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
    resolve({ code: error ? Number(error.code ?? 1) : 0, said: `${stdout}${stderr}` });
  });
});
