// What others hold to be good practice. Skipped, and says why, where kube-score cannot be had; apart from the others, because it takes a minute to build.
import { afterAll, describe, expect, test } from 'vitest';
import { buildGoTool, goToolBuildMs } from '../support/go-tool.ts';
import { makeFiles, run, variants } from './files.ts';
import { render, unrendered } from './manifests.ts';

const score = unrendered ? { reason: unrendered } : await buildGoTool({ name: 'kube-score', source: 'github.com/zegl/kube-score/cmd/kube-score', version: 'v1.20.0' });
if ('reason' in score) process.stderr.write(`k8s: kube-score is not asked, since ${score.reason}\n`);

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

const files = await makeFiles();
afterAll(() => files.remove());

describe.skipIf('reason' in score)('kube-score', { timeout: goToolBuildMs }, () => {
  const { path } = score as { readonly path: string };
  // Throttled CPU stops the event loop: k8s/base/deployment.yaml.
  const args = ['score', '--output-format', 'ci', '--ignore-container-cpu-limit', ...ignoring(ignored)];

  test.each(variants)('%s with %j is good practice', async (overlay, components) => {
    const { code, said } = await run(path, [...args, ...ignoring(overlay === 'dev' ? ignoredInDev : {}), await files.rendered(overlay, components)]);
    expect(code, said).toBe(0);
    expect(said.split('\n').filter((line) => /^\[(WARNING|CRITICAL)\]/.test(line))).toEqual([]);
  });

  test('a container that may write its root is found', async () => {
    const { yaml } = await render('production');
    const file = await files.write('writable', yaml.replace('readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false'));
    const { said } = await run(path, [...args, file]);
    expect(said).toMatch(/^\[CRITICAL\].*writable root filesystem/m);
  });
});
