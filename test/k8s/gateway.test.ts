// The gateway's own manifests beside its own code: ports, probes, variables and how long its end takes are asked of the
// sources, so that neither can change without the other.
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Config, readConfig } from '../../src/config.ts';
import { inDevelopment } from '../../src/config/variables.ts';
import { type Duration, toMs } from '../../src/core/duration.ts';
import { readings } from '../../src/core/meter.ts';
import * as metrics from '../../src/core/metrics.ts';
import { createAdmin } from '../../src/http/admin.ts';
import { createHealth } from '../../src/http/health.ts';
import { endsWithinMs } from '../../src/process/service-end.ts';
import { type Container, type Kinds, selects } from './kinds.ts';
import { type Manifests, render, unrendered } from './manifests.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The longest deadline that an aggregate has. */
const deadlineMs = Math.max(...readdirSync(new URL('../../src/aggregates', import.meta.url))
  .flatMap((file) => [...read(`src/aggregates/${file}`).matchAll(/deadline: '([^']+)'/g)].map(([, text]) => toMs(text as Duration))));

/** Not ours, but Node's. */
const foreign = ['NODE_OPTIONS'];

describe.skipIf(unrendered).each(['dev', 'production'])('%s', (overlay) => {
  let manifests: Manifests;
  let deployment: Kinds['Deployment'];
  let container: Container;
  let variables: Kinds['ConfigMap']['data'];
  let config: Config;
  beforeAll(async () => {
    manifests = await render(overlay);
    deployment = manifests.one('Deployment', 'tributary');
    container = deployment.spec.template.spec.containers[0]!;
    variables = manifests.one('ConfigMap', 'tributary').data;
    const secrets = { DATABASE_URL: 'postgres://secret', REDIS_URL: 'redis://secret' };
    config = readConfig({ ...variables, ...secrets });
  });

  test('sets variables that exist', () => {
    const names = [...Object.keys(variables), ...(container.env ?? []).map(({ name }) => name)];
    const known = new Set([...Object.keys(inDevelopment.shape), ...foreign]);
    expect(names.filter((name) => !known.has(name) && !name.startsWith('OTEL_'))).toEqual([]);
    expect(new Set(names).size, 'each once').toBe(names.length);
  });

  test('runs as in production, one process a pod', () => {
    expect(config).toMatchObject({ production: true, workers: 1, cache: 'redis', admission: true });
  });

  test('asks who asks, unless it is for one machine', () => {
    expect(config.auth).toBe(overlay === 'dev' ? 'none' : 'jwt');
  });

  test('does without a Redis that nobody named by refusing to start, not by caching apart', () => {
    expect(() => readConfig({ ...variables, DATABASE_URL: 'postgres://secret' })).toThrow(/REDIS_URL/);
  });

  test('takes the URLs of stores from the Secret', () => {
    const references = Object.fromEntries((container.env ?? []).flatMap(({ name, valueFrom }) => (valueFrom ? [[name, valueFrom.secretKeyRef?.key]] : [])));
    expect(references).toEqual({ DATABASE_URL: 'DATABASE_URL', ANALYTICS_URL: 'ANALYTICS_URL', REDIS_URL: 'REDIS_URL' });
  });

  test('runs as the user that the image is made for', () => {
    const user = /^USER (\d+):(\d+)$/m.exec(read('Dockerfile'));
    expect(deployment.spec.template.spec.securityContext).toMatchObject({ runAsUser: Number(user?.[1]), runAsGroup: Number(user?.[2]) });
  });

  test('has the ports that the process listens at', () => {
    expect(container.ports).toEqual([{ name: 'http', containerPort: config.port }, { name: 'admin', containerPort: config.adminPort }]);
  });

  test('is probed at the admin port, where each probe is answered', async () => {
    const health = createHealth({}, { started: () => true, draining: () => false, shedding: () => false });
    for (const [kind, path] of [['startup', '/startupz'], ['readiness', '/readyz'], ['liveness', '/livez']] as const) {
      const probe = container[`${kind}Probe`];
      expect([kind, probe?.httpGet]).toEqual([kind, { path, port: 'admin' }]);
      expect((await health.request(path)).status, path).toBe(200);
    }
  });

  test('is not ready only when an overload lasts, and restarted later than that', () => {
    const { readinessProbe: ready, livenessProbe: live } = container;
    // docs/admission.md: a fleet that is overloaded must not leave as one.
    expect(ready!.failureThreshold * ready!.periodSeconds).toBeGreaterThanOrEqual(10);
    expect(live!.failureThreshold * live!.periodSeconds).toBeGreaterThan(ready!.failureThreshold * ready!.periodSeconds);
  });

  test('may take as long to end as it needs', () => {
    const preStopMs = container.lifecycle!.preStop.sleep.seconds * 1_000;
    expect(preStopMs).toBeGreaterThan(0);
    expect(deployment.spec.template.spec.terminationGracePeriodSeconds! * 1_000).toBeGreaterThan(preStopMs + endsWithinMs(config));
    expect(config.drainTimeoutMs, 'what is under way may use its deadline').toBeGreaterThan(deadlineMs);
  });

  test('is replaced without there being less of it at any moment', () => {
    expect(deployment.spec.strategy?.rollingUpdate?.maxUnavailable).toBe(0);
    const { spec } = manifests.one('PodDisruptionBudget', 'tributary');
    expect(spec).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    expect(selects(spec.selector, deployment.spec.template.metadata.labels)).toBe(true);
  });

  test('is spread over zones and nodes', () => {
    expect(deployment.spec.template.spec.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey)).toEqual(['topology.kubernetes.io/zone', 'kubernetes.io/hostname']);
  });

  test('leaves Postgres connections to others, during a rollout too', () => {
    const autoscaler = manifests.of('HorizontalPodAutoscaler')[0];
    const pods = autoscaler?.spec.maxReplicas ?? deployment.spec.replicas!;
    const most = pods + Math.ceil(pods * Number.parseInt(deployment.spec.strategy!.rollingUpdate!.maxSurge) / 100);
    // A pool and a listener for each of two stores, and of one of them a quarter beside, for changes.
    const connections = most * (2 * (config.poolSize + 1) + Math.ceil(config.poolSize / 4));
    if (overlay === 'dev') {
      const [, max] = /max_connections=(\d+)/.exec(manifests.one('Deployment', 'postgres').spec.template.spec.containers[0]!.args!.join(' '))!;
      expect(connections).toBeLessThan(Number(max));
    } else {
      expect(read('docs/kubernetes.md'), 'the figure that the capacity guide names').toContain(`**${connections} connections**`);
    }
  });
});

test.skipIf(unrendered)('dev sends its collector no metrics, which that one does not take', async () => {
  const manifests = await render('dev');
  const { service } = parse(manifests.one('ConfigMap', 'collector').data['config.yaml']!) as { readonly service: { readonly pipelines: object } };
  expect(Object.keys(service.pipelines)).toEqual(['traces']);
  expect(manifests.one('ConfigMap', 'tributary').data['OTEL_METRICS_EXPORTER']).toBe('none');
});

describe.skipIf(unrendered)('production', () => {
  let manifests: Manifests;
  beforeAll(async () => { manifests = await render('production'); });

  test('leaves the number of replicas to the autoscaler, which keeps one for each of three zones', () => {
    const { spec } = manifests.one('HorizontalPodAutoscaler', 'tributary');
    expect(manifests.one('Deployment', spec.scaleTargetRef.name).spec.replicas).toBeUndefined();
    expect(spec.minReplicas).toBeGreaterThanOrEqual(3);
  });

  test('grows by requests under way well before optional parts would be left out', () => {
    const { metrics } = manifests.one('HorizontalPodAutoscaler', 'tributary').spec;
    expect(metrics.map(({ type }) => type)).toEqual(['Resource', 'Pods']);
    const { metric, target } = metrics[1]!.pods!;
    expect(metric.name).toBe('tributary_in_flight_requests');
    const inFlightMax = Number(manifests.one('ConfigMap', 'tributary').data['IN_FLIGHT_MAX']);
    // The brownout begins at 80 % of the ceiling; a target is met on average, so some pods are above it.
    expect(Number(target.averageValue)).toBeLessThan(inFlightMax * 0.8 * 0.8);
  });

  test('grows by metrics that are exposed, and that the guide has an adapter serve', async () => {
    const monitor = (await render('production', 'monitoring')).one('ServiceMonitor', 'tributary').spec.endpoints[0]!;
    const reply = await createAdmin(undefined, () => Promise.resolve(readings())).request(monitor.path);
    const exposed = await reply.text();
    expect(exposed.match(/^# TYPE /gm)).toHaveLength(Object.keys(metrics).length);
    const names = manifests.one('HorizontalPodAutoscaler', 'tributary').spec.metrics.flatMap(({ pods }) => (pods ? [pods.metric.name] : []));
    expect(names).not.toEqual([]);
    for (const name of names) {
      // An average of values is what a gauge has; a counter would need a rate.
      expect(exposed).toContain(`# TYPE ${name} gauge\n`);
      expect(read('docs/kubernetes.md')).toContain(`seriesQuery: '${name}{`);
    }
  });

  test('is routed to with more time than the longest deadline', () => {
    for (const { timeouts, backendRefs } of manifests.one('HTTPRoute', 'tributary').spec.rules) {
      expect(toMs(timeouts.request as Duration)).toBeGreaterThan(deadlineMs);
      expect(backendRefs).toEqual([{ name: 'tributary', port: 80 }]);
    }
  });
});

test('the capacity guide counts replicas from the figures of the bench', () => {
  const guide = read('docs/kubernetes.md');
  const pages = ['40e6658', '0434a58'].map((commit) => read(`bench/results/${commit}.md`)).join('\n');
  const rows = [...guide.matchAll(/^\| (?:hot|mixed|cold).*? \| ([\d,]+) \| ([\d,]+) \| (\d+) \| (\d+) \|$/gm)];
  expect(rows).toHaveLength(4);
  for (const [, figure = '', ...counted] of rows) {
    const measured = Number(figure.replace(',', ''));
    expect(pages).toContain(`| ${measured} |`);
    const each = measured * 0.6 * 0.65;
    expect(counted.map((text) => Number(text.replace(',', '')))).toEqual([Math.round(each), Math.ceil(10_000 / each), Math.ceil(100_000 / each)]);
  }
});
