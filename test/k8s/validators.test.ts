// What others know of Kubernetes: the schemas of its API, and what is good practice. Each is skipped, and says why, where it
// cannot be had.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildGoTool, goToolBuildMs } from '../support/go-tool.ts';
import { pythonTool } from '../support/python-tool.ts';
import { render, unrendered } from './manifests.ts';

const schemas = await pythonTool('kubernetes-validate', '1.37.0');
if ('missing' in schemas) process.stderr.write(`k8s: no schemas are checked, since ${schemas.missing}\n`);

const score = unrendered ? { reason: unrendered } : await buildGoTool({ name: 'kube-score', source: 'github.com/zegl/kube-score/cmd/kube-score', version: 'v1.20.0' });
if ('reason' in score) process.stderr.write(`k8s: kube-score is not asked, since ${score.reason}\n`);

/** The oldest on which all of it works (`preStop.sleep` is on by default from 1.30), the one it was run on, the newest that there are schemas of. */
const versions = ['1.30', '1.34', '1.37'];

/** Of these kinds Kubernetes has no schema: they come with the Gateway API and the Prometheus operator. */
const withoutSchema = ['HTTPRoute', 'ServiceMonitor'];

/** What kube-score asks for, and why not. */
const ignored = {
  'container-security-context-user-group-id': '1000 is the image\'s user; host users are kept apart by everything else that is dropped',
  'container-ephemeral-storage-request-and-limit': 'nothing is written but logs, which the kubelet bounds; a limit would evict a pod for talking',
  'container-image-pull-policy': 'images are pinned, so pulling again cannot bring another',
  'deployment-has-host-podantiaffinity': 'topology spread does this, and lets pods be scheduled where it cannot',
};

/** Stores of one machine stand alone, and Postgres must not run twice on one folder. */
const ignoredInDev = { 'deployment-replicas': 'alone on purpose', 'deployment-strategy': 'Recreate on purpose' };

const ignoring = (tests: object): string[] => Object.keys(tests).flatMap((name) => ['--ignore-test', name]);

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'tributary-k8s-')); });
afterAll(async () => { await rm(folder, { recursive: true }); });

async function rendered(overlay: string, components: readonly string[]): Promise<string> {
  const file = join(folder, `${[overlay, ...components].join('-')}.yaml`);
  await writeFile(file, (await render(overlay, ...components)).yaml);
  return file;
}

const run = (command: string, args: readonly string[]) => new Promise<{ code: number; said: string }>((resolve) => {
  execFile(command, args, { maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
    resolve({ code: error ? Number(error.code ?? 1) : 0, said: `${stdout}${stderr}` });
  });
});

const variants = [['dev', []], ['production', []], ['production', ['monitoring']]] as const;

describe.skipIf(unrendered ?? 'missing' in schemas)('schemas', () => {
  const { command } = schemas as { readonly command: string };

  test.each(variants.flatMap(([overlay, components]) => versions.map((version) => [overlay, components, version] as const)))('%s with %j is of Kubernetes %s', async (overlay, components, version) => {
    const { code, said } = await run(command, ['--strict', '-k', version, await rendered(overlay, components)]);
    expect(code, said).toBe(0);
    const unknown = [...said.matchAll(/Couldn't find schema for kind (\w+)/g)].map(([, kind]) => kind);
    expect(unknown.filter((kind) => !withoutSchema.includes(kind!))).toEqual([]);
  });

  test('a field that does not exist is found', async () => {
    const file = join(folder, 'typo.yaml');
    const { yaml } = await render('production');
    await writeFile(file, yaml.replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem'));
    const { code, said } = await run(command, ['--strict', '-k', '1.34', file]);
    expect([code === 0, said]).toEqual([false, expect.stringContaining('readOnlyRootFileSystem')]);
  });
});

describe.skipIf('reason' in score)('kube-score', { timeout: goToolBuildMs }, () => {
  const { path } = score as { readonly path: string };
  // Throttled CPU stops the event loop: k8s/base/deployment.yaml.
  const args = ['score', '--output-format', 'ci', '--ignore-container-cpu-limit', ...ignoring(ignored)];

  test.each(variants)('%s with %j is good practice', async (overlay, components) => {
    const { code, said } = await run(path, [...args, ...ignoring(overlay === 'dev' ? ignoredInDev : {}), await rendered(overlay, components)]);
    expect(code, said).toBe(0);
    expect(said.split('\n').filter((line) => /^\[(WARNING|CRITICAL)\]/.test(line))).toEqual([]);
  });

  test('a container that may write its root is found', async () => {
    const file = join(folder, 'writable.yaml');
    const { yaml } = await render('production');
    await writeFile(file, yaml.replace('readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false'));
    const { said } = await run(path, [...args, file]);
    expect(said).toMatch(/^\[CRITICAL\].*writable root filesystem/m);
  });
});
