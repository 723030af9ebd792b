import { join } from 'node:path';
import { buildFastapi, buildFastify, buildGo, buildNoEngine, buildRust, buildTributary } from './builds.ts';
import type { Fixture } from './fixture/fixture.ts';
import { build, peers, repo } from './paths.ts';
import { first200, freePort, start, type Started } from './processes.ts';

/** A row of the report: a service that answers GET /api/aggregated?user_id=N. */
export interface Service {
  readonly name: string;
  readonly title: string;
  readonly build: () => Promise<void>;
  readonly cwd: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where it says that it is ready: on its own port, or on the one for operators. */
  readonly health: { readonly port: 'own' | 'admin'; readonly path: string };
  readonly discardLog?: true;
}

export const path = '/api/aggregated?user_id=';

const ownHealth = { port: 'own', path: '/health' } as const;

const tributary: Service = {
  name: 'tributary',
  title: 'tributary',
  build: buildTributary,
  cwd: repo,
  command: [process.execPath, '--import', './dist/otel/start.js', 'dist/main.js'],
  // The peers log no requests either; and nobody is waited for at the end.
  env: { NODE_ENV: 'production', AUTH: 'none', LOG_LEVEL: 'warn', DRAIN_DELAY_MS: '0' },
  health: { port: 'admin', path: '/readyz' },
};

export const services: readonly Service[] = [
  tributary,
  {
    ...tributary,
    name: 'tributary-log',
    title: 'tributary, access log on',
    env: { ...tributary.env, LOG_LEVEL: 'info' },
    discardLog: true,
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

export interface Running extends Started {
  readonly port: number;
  /** Milliseconds from the spawn to the first 200 of the health check, and of an aggregated answer. */
  readonly healthMs: number;
  readonly firstMs: number;
}

/** Starts a service beside the fixture and waits until it answers. Throws with what it last said. */
export async function startService(service: Service, { postgres, stub, cores }: Fixture): Promise<Running> {
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
    ...service.env,
  };
  const from = performance.now();
  const { cwd, command, discardLog = false } = service;
  const started = start(command, { cwd, env, core: cores.server, log: service.name, discard: discardLog });
  try {
    await first200(service.health.port === 'admin' ? admin : port, service.health.path, started);
    const healthMs = performance.now() - from;
    await first200(port, `${path}1`, started);
    return { ...started, port, healthMs, firstMs: performance.now() - from };
  } catch (error) {
    await started.stop();
    throw error;
  }
}
