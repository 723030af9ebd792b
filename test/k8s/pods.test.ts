// What every pod of every overlay has to be: nobody in particular, on a root it cannot write, from an image that stays what it is.
import { beforeAll, describe, expect, test } from 'vitest';
import type { Container, Kinds } from './kinds.ts';
import { type Manifests, render, unrendered } from './manifests.ts';

describe.skipIf(unrendered).each(['dev', 'production'])('%s', (overlay) => {
  let manifests: Manifests;
  let deployments: readonly Kinds['Deployment'][];
  let containers: readonly (readonly [name: string, container: Container])[];
  beforeAll(async () => {
    manifests = await render(overlay);
    deployments = manifests.of('Deployment');
    containers = deployments.flatMap(({ metadata, spec: { template: { spec } } }) =>
      [...(spec.initContainers ?? []), ...spec.containers].map((container) => [`${metadata.name}/${container.name}`, container] as const));
  });

  test('holds no pods but those of Deployments, which the tests below look at', () => {
    expect(manifests.all.filter(({ kind }) => /^(Pod|StatefulSet|DaemonSet|Job|CronJob|ReplicaSet)$/.test(kind))).toEqual([]);
    expect(containers.length).toBeGreaterThan(0);
  });

  test('is in one namespace, which admits restricted pods only', () => {
    const namespace = manifests.of('Namespace')[0]!;
    expect(namespace.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    const elsewhere = manifests.all.filter((manifest) => manifest !== namespace && manifest.metadata.namespace !== namespace.metadata.name);
    expect(elsewhere.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([]);
  });

  test('pods run as somebody other than root, without a token', () => {
    for (const { metadata, spec: { template: { spec } } } of deployments) {
      expect([metadata.name, spec.securityContext]).toEqual([metadata.name, expect.objectContaining({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })]);
      expect(spec.securityContext.runAsUser, metadata.name).toBeGreaterThan(0);
      expect([metadata.name, spec.automountServiceAccountToken, spec.enableServiceLinks]).toEqual([metadata.name, false, false]);
    }
  });

  test('containers can neither write their root nor gain rights', () => {
    for (const [name, container] of containers) {
      expect([name, container.securityContext]).toEqual([name, { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }]);
    }
  });

  test('memory is promised as it is limited, CPU is promised and not limited', () => {
    for (const [name, { resources: { requests, limits } }] of containers) {
      expect([name, limits]).toEqual([name, { memory: requests['memory'] }]);
      expect([name, requests['cpu']]).toEqual([name, expect.stringMatching(/^\d+m?$/)]);
    }
  });

  test('images are named by digest, or by a tag that means one release', () => {
    for (const [name, { image }] of containers) {
      // Whoever builds an image on their own machine calls it as they like.
      const pinned = overlay === 'dev' ? /^localhost\/[\w-]+:dev$|:\d+\.\d+(\.\d+)?(-\w+)?$/ : /@sha256:[0-9a-f]{64}$/;
      expect([name, image]).toEqual([name, expect.stringMatching(pinned)]);
    }
  });

  test('secrets come by reference', () => {
    for (const [name, { env = [] }] of containers) {
      const open = env.filter(({ name, value }) => value !== undefined && (/PASSWORD|SECRET|TOKEN|KEY/.test(name) || /\/\/[^/]*@/.test(value)));
      expect([name, open]).toEqual([name, []]);
    }
    for (const { metadata, data } of manifests.of('ConfigMap')) {
      const text = Object.values(data).join('\n');
      expect([metadata.name, /\/\/[^/\s]*@/.test(text), Object.keys(data).filter((key) => /PASSWORD|SECRET/.test(key))]).toEqual([metadata.name, false, []]);
    }
  });

  test('what containers refer to is there', () => {
    const configMaps = manifests.of('ConfigMap').map(({ metadata }) => metadata.name);
    for (const [name, { envFrom = [] }] of containers) {
      for (const { configMapRef } of envFrom) expect(configMaps, name).toContain(configMapRef?.name);
    }
    // Production's Secret is made by hand or by an operator, and never in a repository.
    const secrets = new Map(manifests.of('Secret').map(({ metadata, data }) => [metadata.name, Object.keys(data)]));
    expect(secrets.size).toBe(overlay === 'dev' ? 1 : 0);
    if (overlay !== 'dev') return;
    for (const [name, { env = [] }] of containers) {
      for (const { valueFrom } of env) {
        const reference = valueFrom?.secretKeyRef;
        if (reference && !reference.optional) expect(secrets.get(reference.name), name).toContain(reference.key);
      }
    }
  });
});
