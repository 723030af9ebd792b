import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Asset {
  readonly type: string;
  readonly text: string;
}

const folder = join(import.meta.dirname, '../page');

/** Named one by one, so that no path leads anywhere else. */
const files: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/_dev': ['index.html', 'text/html; charset=utf-8'],
  '/_dev/page.css': ['page.css', 'text/css; charset=utf-8'],
  ...Object.fromEntries(
    ['main', 'dom', 'requests', 'trace', 'span', 'reason', 'map', 'ask', 'stream'].map((name) => [`/_dev/${name}.js`, [`${name}.js`, 'text/javascript; charset=utf-8']] as const),
  ),
};

/** A file of the page, read each time it is asked for: whoever works on it reloads and sees. */
export async function asset(path: string): Promise<Asset | undefined> {
  const [file, type] = Object.hasOwn(files, path) ? (files[path] ?? []) : [];
  return file !== undefined && type !== undefined ? { type, text: await readFile(join(folder, file), 'utf8') } : undefined;
}
