// Who reaches whom: selectors and ports by name are strings that nothing else compares.
import { beforeAll, describe, expect, test } from 'vitest';
import { type Selector, selects } from './kinds.ts';
import { type Manifests, render, unrendered } from './manifests.ts';

const admin = 'admin';

describe.skipIf(unrendered).each([
  ['dev', []],
  ['production', []],
  ['production', ['monitoring']],
])('%s with %j', (overlay, components) => {
  let manifests: Manifests;
  beforeAll(async () => { manifests = await render(overlay, ...components); });

  /** The names of the ports of the pods that a selector finds; fails unless there are such pods. */
  function portsOf(name: string, selector: Selector): string[] {
    const found = manifests.of('Deployment').filter(({ spec }) => selects(selector, spec.template.metadata.labels));
    expect(found.length, `pods that ${name} selects`).toBeGreaterThan(0);
    return found.flatMap(({ spec }) => spec.template.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name)));
  }

  test('deployments select their own pods', () => {
    for (const { metadata, spec } of manifests.of('Deployment')) {
      expect([metadata.name, selects(spec.selector, spec.template.metadata.labels)]).toEqual([metadata.name, true]);
      for (const { labelSelector } of spec.template.spec.topologySpreadConstraints ?? []) {
        expect([metadata.name, selects(labelSelector, spec.template.metadata.labels)]).toEqual([metadata.name, true]);
      }
    }
  });

  test('services send to ports that their pods have', () => {
    for (const { metadata, spec } of manifests.of('Service')) {
      const ports = portsOf(metadata.name, { matchLabels: spec.selector });
      for (const { targetPort } of spec.ports) expect(ports, metadata.name).toContain(targetPort);
    }
  });

  test('no service that has an address has the admin port', () => {
    const open = manifests.of('Service').filter(({ spec }) => spec.clusterIP !== 'None' && spec.ports.some(({ targetPort }) => targetPort === admin));
    expect(open).toEqual([]);
    expect(manifests.one('Service', 'tributary').spec.ports).toHaveLength(1);
  });

  test('nobody reaches anybody unless a policy says so', () => {
    const { spec } = manifests.one('NetworkPolicy', 'default-deny');
    expect(spec).toMatchObject({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    expect(spec.ingress).toBeUndefined();
    expect(spec.egress?.flatMap(({ ports }) => ports.map(({ port }) => port))).toEqual([53, 53]);
  });

  test('policies select pods, and open ports that these have', () => {
    for (const { metadata, spec } of manifests.of('NetworkPolicy')) {
      const own = portsOf(metadata.name, spec.podSelector);
      for (const { ports } of spec.ingress ?? []) for (const { port } of ports) expect(own, metadata.name).toContain(port);
      for (const { to = [], ports } of spec.egress ?? []) {
        for (const { podSelector, namespaceSelector } of to) {
          if (!podSelector || namespaceSelector) continue;
          const theirs = portsOf(metadata.name, podSelector);
          for (const { port } of ports) expect(theirs, metadata.name).toContain(port);
        }
      }
    }
  });

  test('what the gateway may ask in this namespace, those it asks admit', () => {
    const gateway = manifests.one('Deployment', 'tributary').spec.template.metadata.labels;
    const policies = manifests.of('NetworkPolicy');
    for (const { to = [], ports } of policies.filter(({ spec }) => selects(spec.podSelector, gateway)).flatMap(({ spec }) => spec.egress ?? [])) {
      for (const { podSelector, namespaceSelector } of to) {
        if (!podSelector || namespaceSelector) continue;
        const asked = manifests.of('Deployment').find(({ spec }) => selects(podSelector, spec.template.metadata.labels))!;
        const admitted = policies.filter(({ spec }) => selects(spec.podSelector, asked.spec.template.metadata.labels)).flatMap(({ spec }) => spec.ingress ?? [])
          .filter(({ from = [] }) => from.some((peer) => peer.podSelector && selects(peer.podSelector, gateway))).flatMap(({ ports }) => ports);
        expect(admitted, asked.metadata.name).toEqual(expect.arrayContaining([...ports]));
      }
    }
  });

  test('the gateway may reach whatever its variables name in this namespace', () => {
    const { metadata: { labels }, spec: { containers } } = manifests.one('Deployment', 'tributary').spec.template;
    const secrets = manifests.of('Secret').flatMap(({ data }) => Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()] as const));
    const read = new Set(containers.flatMap(({ env = [] }) => env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.key ?? [])));
    const named = [...Object.entries(manifests.one('ConfigMap', 'tributary').data), ...secrets.filter(([name]) => read.has(name))]
      .flatMap(([name, value]) => (URL.canParse(value) && !new URL(value).hostname.includes('.') ? [[name, new URL(value)] as const] : []));
    expect(named.map(([name]) => name).toSorted()).toEqual(overlay === 'dev' ? ['DATABASE_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'RECOMMENDATIONS_URL', 'REDIS_URL', 'SENTIMENT_URL'] : []);
    const may = manifests.of('NetworkPolicy').filter(({ spec }) => selects(spec.podSelector, labels)).flatMap(({ spec }) => spec.egress ?? []);
    for (const [name, { hostname, port }] of named) {
      const { selector, ports } = manifests.one('Service', hostname).spec;
      const target = ports.find((each) => String(each.port) === port)?.targetPort;
      const opened = may.filter(({ to = [] }) => to.some(({ podSelector, namespaceSelector }) => podSelector && !namespaceSelector && selects(podSelector, selector))).flatMap(({ ports }) => ports);
      expect(opened.map((each) => each.port), name).toContain(target);
    }
  });

  test('the admin port is for Prometheus alone, and only where it is wanted', () => {
    const opened = manifests.of('NetworkPolicy').filter(({ spec }) => spec.ingress?.some(({ ports }) => ports.some(({ port }) => port === admin || port === 9090)));
    expect(opened.map(({ metadata }) => metadata.name)).toEqual(components.length > 0 ? ['tributary-metrics'] : []);
    for (const { spec } of opened) {
      expect(spec.ingress).toEqual([{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }], ports: [{ protocol: 'TCP', port: admin }] }]);
    }
  });

  test('a ServiceMonitor finds the service of the admin port and not the public one', () => {
    for (const { spec } of manifests.of('ServiceMonitor')) {
      const found = manifests.of('Service').filter(({ metadata }) => selects(spec.selector, metadata.labels ?? {}));
      expect(found.map(({ metadata }) => metadata.name)).toEqual(['tributary-admin']);
      expect(spec.endpoints.map(({ port }) => port)).toEqual([admin]);
    }
    expect(manifests.of('ServiceMonitor')).toHaveLength(components.length);
  });
});
