import { join } from 'node:path';
import { buildBare, buildFastapi, buildFastify, buildGo, buildNoEngine, buildRust, buildTributary, Missing } from './builds.ts';
import type { Extra, Fixture } from './fixture/fixture.ts';
import { build, headersFile, peers, repo } from './paths.ts';
import { first200, freePort, start, type Started } from './processes.ts';
import { signedInEnv, signIn } from './sign-in.ts';

/** A row of the report: a service that answers GET /api/aggregated?user_id=N. */
export interface Service {
  readonly name: string;
  readonly title: string;
  readonly build: () => Promise<unknown>;
  readonly cwd: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where it says that it is ready: on its own port, or on the one for operators. */
  readonly health: { readonly port: 'own' | 'admin'; readonly path: string };
  readonly discardLog?: true;
  /** What else it needs of the fixture, whose address it then gets. */
  readonly needs?: Extra;
  /** Its requests carry a token. */
  readonly signedIn?: true;
  /** How many caches it has to be asked through before it counts as warm: one a process. None if it caches nothing. */
  readonly caches?: number;
}

export const path = '/api/aggregated?user_id=';

const ownHealth = { port: 'own', path: '/health' } as const;

const tributary: Service = {
  name: 'tributary',
  title: 'tributary',
  build: buildTributary,
  cwd: repo,
  command: [process.execPath, '--import', './dist/otel/start.js', 'dist/main.js'],
  // The peers log no requests and cache nothing either; and nobody is waited for at the end.
  env: { NODE_ENV: 'production', AUTH: 'none', LOG_LEVEL: 'warn', DRAIN_DELAY_MS: '0', CACHE: 'off' },
  health: { port: 'admin', path: '/readyz' },
};

/** The same with other settings: a row of its own. */
export const variant = (service: Service, name: string, title: string, env: Service['env'], more: Partial<Service> = {}): Service =>
  ({ ...service, ...more, name, title, env: { ...service.env, ...env } });

const traced = (share: string): Service['env'] => ({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: share });

export const services: readonly Service[] = [
  tributary,
  variant(tributary, 'tributary-log', 'tributary, access log on', { LOG_LEVEL: 'info' }, { discardLog: true }),
  variant(tributary, 'tributary-bulk', 'tributary, upstream in bulk', { RECOMMENDATIONS_BULK: 'on' }),
  variant(tributary, 'tributary-unread', 'tributary, a token that nobody reads', {}, { signedIn: true }),
  variant(tributary, 'tributary-jwt', 'tributary, AUTH=jwt', signedInEnv, { signedIn: true }),
  variant(tributary, 'tributary-trace-5', 'tributary, tracing 5 %', traced('0.05'), { needs: 'collector' }),
  variant(tributary, 'tributary-trace-100', 'tributary, tracing 100 %', traced('1'), { needs: 'collector' }),
  {
    name: 'bare',
    title: 'bare',
    build: buildBare,
    cwd: repo,
    command: [process.execPath, join(build, 'bare.mjs')],
    env: { NODE_ENV: 'production', BARE_HEADERS: headersFile },
    health: ownHealth,
    caches: 1,
  },
  {
    name: 'no-engine',
    title: 'no engine',
    build: buildNoEngine,
    cwd: repo,
    command: [process.execPath, join(build, 'no-engine.mjs')],
    env: { NODE_ENV: 'production' },
    health: ownHealth,
  },
  {
    name: 'go',
    title: 'go',
    build: buildGo,
    cwd: build,
    command: [join(build, 'go', 'peer-go')],
    env: {},
    health: ownHealth,
  },
  {
    name: 'rust',
    title: 'rust',
    build: buildRust,
    cwd: build,
    command: [join(build, 'rust', 'release', 'peer-rust')],
    env: {},
    health: ownHealth,
  },
  {
    name: 'fastify',
    title: 'fastify',
    build: buildFastify,
    cwd: join(build, 'fastify'),
    command: [process.execPath, 'server.js'],
    env: { NODE_ENV: 'production' },
    health: ownHealth,
  },
  {
    name: 'fastapi-aiohttp',
    title: 'fastapi (aiohttp)',
    build: buildFastapi,
    cwd: join(peers, 'fastapi'),
    command: [join(build, 'fastapi', 'venv', 'bin', 'python'), 'serve.py'],
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    health: ownHealth,
  },
];

/** The row of this name. */
export function serviceNamed(name: string): Service {
  const found = services.find((service) => service.name === name);
  if (found === undefined) throw new Error(`expected one of ${services.map(({ name }) => name).join(', ')}, but got ${name}`);
  return found;
}

/** The addresses of what the service needs beside the stores. */
function extras({ needs }: Service, { redis, collector }: Fixture): Record<string, string> {
  if (needs === 'collector' && !collector) throw new Error('expected the fixture to have a collector: say so when it is started');
  if (needs === 'redis' && !redis) throw new Missing('expected redis-server on the PATH, but got none that starts: apt install redis-server');
  return {
    ...(needs === 'redis' && redis ? { REDIS_URL: redis.url } : {}),
    ...(needs === 'collector' && collector ? { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } : {}),
  };
}

export interface Running extends Started {
  readonly port: number;
  /** What its requests have to bring. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds from the spawn to the first 200 of the health check, and of an aggregated answer. */
  readonly healthMs: number;
  readonly firstMs: number;
}

/** Starts a service beside the fixture and waits until it answers. Throws with what it last said. */
export async function startService(service: Service, fixture: Fixture): Promise<Running> {
  const { postgres, stub, cores } = fixture;
  const port = await freePort();
  const admin = await freePort();
  const env = {
    HOST: '127.0.0.1',
    PORT: String(port),
    ADMIN_PORT: String(admin),
    DATABASE_URL: postgres.url,
    RECOMMENDATIONS_URL: stub.url,
    RECS_URL: stub.url,
    POOL_SIZE: '20',
    ...extras(service, fixture),
    ...service.env,
  };
  const headers = service.signedIn ? await signIn() : {};
  const from = performance.now();
  const { cwd, command, discardLog = false } = service;
  const started = start(command, { cwd, env, core: cores.server, log: service.name, discard: discardLog });
  try {
    await first200(service.health.port === 'admin' ? admin : port, service.health.path, started);
    const healthMs = performance.now() - from;
    await first200(port, `${path}1`, started, { headers });
    return { ...started, port, headers, healthMs, firstMs: performance.now() - from };
  } catch (error) {
    await started.stop();
    throw error;
  }
}
