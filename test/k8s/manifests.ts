import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { onPath } from '../../demo/process/on-path.ts';
import type { Kinds, Manifest } from './kinds.ts';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('../../k8s', import.meta.url));

const kubectl = onPath('kubectl');
const kustomize = onPath('kustomize');
const builder: readonly [command: string, ...args: string[]] | undefined = kustomize ? [kustomize, 'build'] : kubectl ? [kubectl, 'kustomize'] : undefined;

/** What stands in the way of looking at the manifests at all. */
export const unrendered = builder ? undefined : 'neither kustomize nor kubectl is on the PATH';
if (unrendered) process.stderr.write(`k8s: nothing is checked, since ${unrendered}\n`);

/** What kustomize makes of an overlay. */
export class Manifests {
  readonly yaml: string;
  readonly all: readonly Manifest[];

  constructor(yaml: string) {
    this.yaml = yaml;
    this.all = parseAllDocuments(yaml).map((document) => document.toJS() as Manifest);
  }

  of<K extends keyof Kinds>(kind: K): readonly Kinds[K][] {
    return this.all.filter((manifest): manifest is Kinds[K] => manifest.kind === kind);
  }

  /** The one of this kind whose name, without a generated hash, is this. */
  one<K extends keyof Kinds>(kind: K, name: string): Kinds[K] {
    const found = this.of(kind).filter(({ metadata }) => metadata.name.replace(/-[0-9a-z]{10}$/, '') === name);
    if (found.length !== 1) throw new Error(`expected one ${kind} "${name}", but got ${found.length}`);
    return found[0]!;
  }
}

/** Renders an overlay, with components that it leaves to choose. Rejects with what kustomize complains of. */
export async function render(overlay: string, ...components: string[]): Promise<Manifests> {
  const [command, ...args] = builder!;
  // With components by a kustomization beside the repository, as an operator's own would be.
  const own = await mkdtemp(join(tmpdir(), 'tributary-k8s-'));
  try {
    const list = (paths: string[]) => JSON.stringify(paths.map((path) => relative(own, join(folder, path))));
    await writeFile(join(own, 'kustomization.yaml'), [
      'apiVersion: kustomize.config.k8s.io/v1beta1', 'kind: Kustomization',
      // Components are in the overlay's namespace.
      `namespace: ${namespaces[overlay] ?? overlay}`,
      `resources: ${list([`overlays/${overlay}`])}`, `components: ${list(components.map((name) => `components/${name}`))}`,
    ].join('\n'));
    return new Manifests((await run(command, [...args, own], { maxBuffer: 16 * 1024 * 1024 })).stdout);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

const namespaces: Readonly<Record<string, string>> = { dev: 'tributary-dev', production: 'tributary' };
