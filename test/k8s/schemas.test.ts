// What others know of Kubernetes: the schemas of its API. Skipped, and says why, where they cannot be had.
import { afterAll, describe, expect, test } from 'vitest';
import { pythonTool } from '../support/python-tool.ts';
import { makeFiles, run, variants } from './files.ts';
import { render, unrendered } from './manifests.ts';

const schemas = await pythonTool('kubernetes-validate', '1.37.0');
if ('missing' in schemas) process.stderr.write(`k8s: no schemas are checked, since ${schemas.missing}\n`);

/** The oldest on which all of it works (`preStop.sleep` is on by default from 1.30), the one it was run on, the newest that there are schemas of. */
const versions = ['1.30', '1.34', '1.37'];

/** Of these kinds Kubernetes has no schema: they come with the Gateway API and the Prometheus operator. */
const withoutSchema = ['HTTPRoute', 'ServiceMonitor'];

const files = await makeFiles();
afterAll(() => files.remove());

describe.skipIf(unrendered ?? 'missing' in schemas)('schemas', () => {
  const { command } = schemas as { readonly command: string };

  test.each(variants.flatMap(([overlay, components]) => versions.map((version) => [overlay, components, version] as const)))('%s with %j is of Kubernetes %s', async (overlay, components, version) => {
    const { code, said } = await run(command, ['--strict', '-k', version, await files.rendered(overlay, components)]);
    expect(code, said).toBe(0);
    const unknown = [...said.matchAll(/Couldn't find schema for kind (\w+)/g)].map(([, kind]) => kind);
    expect(unknown.filter((kind) => !withoutSchema.includes(kind!))).toEqual([]);
  });

  test('a field that does not exist is found', async () => {
    const { yaml } = await render('production');
    const file = await files.write('typo', yaml.replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem'));
    const { code, said } = await run(command, ['--strict', '-k', '1.34', file]);
    expect([code === 0, said]).toEqual([false, expect.stringContaining('readOnlyRootFileSystem')]);
  });
});
