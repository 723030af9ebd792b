import { join } from 'node:path';
import { runNotifyInstallation } from '../../src/clients/notify-install.ts';
import { parseKeyColumn } from '../../src/clients/notify-sql.ts';
import { startPostgres } from '../postgres.ts';
import { freePort } from '../process/free-port.ts';
import { onPath } from '../process/on-path.ts';
import { seed } from '../seed.ts';
import { authentication } from './authentication.ts';
import type { Urls } from './banner.ts';
import { startChild, type Child } from './child.ts';
import { demoToken } from './demo-token.ts';
import { startFault } from './fault.ts';
import { readable } from './log-line.ts';
import { runSentiment } from './run-sentiment.ts';
import type { Settings } from './settings.ts';
import { untilOk } from './until-ok.ts';
import { describeService } from './viewer/definitions.ts';
import { tracingTo, untraced } from './viewer/tracing.ts';
import { Viewer } from './viewer/viewer.ts';
import { complain, say, tell } from './voice.ts';

export interface Stage {
  readonly root: string;
  readonly settings: Settings;
  /** Prepare a fault, and requests that meet it. */
  readonly fault: boolean;
  /** What was started is ended in the opposite order. */
  readonly running: AsyncDisposableStack;
  /** For a forced exit. */
  readonly killers: Set<() => void>;
  /** Aborted when all of it should end. */
  readonly ending: AbortSignal;
  readonly onCrash: (reason: string) => void;
}

const READY_LIMIT_MS = 15_000;
const HOST = '127.0.0.1';

/** Starts everything in the order in which one needs the other, and says where it all is. */
export async function startServices(stage: Stage): Promise<Urls> {
  const taken = new Set<number>();
  const port = (name: PortName) => choosePort(name, stage.settings, taken);
  const postgres = await runPostgres(stage);
  stage.ending.throwIfAborted();
  const recommender = await runRecommender(stage, await port('RECOMMENDER_PORT'), postgres);
  const sentiment = await runSentiment(stage, { host: HOST, port: await port('SENTIMENT_PORT') }, run);
  const redis = await runRedis(stage, port);
  const ports = { port: await port('PORT'), adminPort: await port('ADMIN_PORT') };
  const viewer = await runViewer(stage, await port('VIEWER_PORT'), ports.port);
  const gateway = await runGateway(stage, ports, { postgres, recommender, sentiment, redis, viewer });
  if (stage.fault) stage.running.use(await startFault({ ...gateway, recommender }));
  return { page: viewer.page, postgres, recommender, sentiment, redis, ...gateway };
}

type PortName = 'PORT' | 'ADMIN_PORT' | 'RECOMMENDER_PORT' | 'SENTIMENT_PORT' | 'VIEWER_PORT' | 'REDIS_PORT';

async function choosePort(name: PortName, settings: Settings, taken: Set<number>): Promise<number> {
  const wanted = settings[name];
  const free = await freePort(wanted, taken);
  if (free !== wanted) tellOtherPort(name, wanted, free);
  taken.add(free);
  return free;
}

function tellOtherPort(name: string, wanted: number, free: number): void {
  tell(`port ${wanted} is taken: using ${free} instead (${name} sets it)`);
}

async function runPostgres({ root, settings, running, killers, onCrash }: Stage): Promise<string> {
  const port = await freePort(settings.POSTGRES_PORT);
  const postgres = await startPostgres({
    dir: join(root, '.tributary', 'postgres'),
    port,
    persistent: true,
    say: (text) => say('postgres', { text, tone: 'plain' }),
    onCrash,
  });
  running.defer(() => postgres.stop());
  killers.add(() => postgres.kill());
  if (port !== settings.POSTGRES_PORT) tellOtherPort('POSTGRES_PORT', settings.POSTGRES_PORT, port);
  const changed = await seed(postgres.url);
  await tellChanges(postgres.url);
  say('postgres', { text: `ready on port ${port}, ${changed ? 'seeded' : 'already seeded'}`, tone: 'plain' });
  return postgres.url;
}

/** As `npm run db:notify` does: whoever changes a row, every cache hears of it. */
async function tellChanges(url: string): Promise<void> {
  const tables = ['users.id', 'analytics.user_id', 'products.id', 'reviews.product_id'].map(parseKeyColumn);
  await runNotifyInstallation({ url, tables, action: 'install', onTable: (_, error) => { if (error) throw error; } });
}

/** The Redis of this machine, if it has one; without it answers are kept in the gateway's memory alone. */
async function runRedis(stage: Stage, port: (name: PortName) => Promise<number>): Promise<string | undefined> {
  const command = onPath('redis-server');
  if (!command) {
    say('redis', { text: 'no redis-server on the PATH: answers are kept in the memory of the gateway alone', tone: 'plain' });
    return undefined;
  }
  const own = await port('REDIS_PORT');
  await run(stage, {
    name: 'redis',
    command,
    args: ['--port', String(own), '--bind', HOST, '--save', '', '--appendonly', 'no', '--maxmemory', '64mb', '--maxmemory-policy', 'volatile-ttl', '--loglevel', 'warning'],
    env: {},
    onLine: () => undefined,
    endLimitMs: 3_000,
  });
  say('redis', { text: `ready on port ${own}`, tone: 'plain' });
  return `redis://${HOST}:${own}`;
}

async function runRecommender(stage: Stage, port: number, postgres: string): Promise<string> {
  await run(stage, {
    name: 'recommender',
    args: ['demo/recommender/main.ts'],
    env: { PORT: String(port), HOST, DATABASE_URL: postgres },
    onLine: (text) => say('recommender', { text, tone: 'plain' }),
    endLimitMs: 3_000,
  });
  const url = `http://${HOST}:${port}`;
  await untilOk(`${url}/health`, READY_LIMIT_MS, stage.ending);
  return url;
}

/** In this process, which reads the gateway's log anyway. Before the gateway, whose first traces should find it. */
async function runViewer({ root, settings, fault, running }: Stage, port: number, gatewayPort: number): Promise<Viewer> {
  const viewer = await Viewer.start({
    port,
    aggregates: await describeService(),
    gateway: {
      url: `http://${HOST}:${gatewayPort}`,
      tokenFor: settings.AUTH === 'jwt' ? (user) => demoToken(root, { user, ttl: '1m' }) : undefined,
    },
    untraced: untraced(process.env),
    uncached: fault || process.env['CACHE'] === 'off',
  });
  running.defer(() => viewer.close());
  return viewer;
}

type Around = Omit<Urls, 'page' | 'gateway' | 'admin'> & { readonly viewer: Viewer };

async function runGateway(
  stage: Stage,
  { port, adminPort }: { port: number; adminPort: number },
  { postgres, recommender, sentiment, redis, viewer }: Around,
): Promise<{ gateway: string; admin: string }> {
  await run(stage, {
    name: 'gateway',
    args: stage.settings.GATEWAY_ARGS,
    env: {
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
      HOST,
      DATABASE_URL: postgres,
      RECOMMENDATIONS_URL: recommender,
      SENTIMENT_URL: sentiment,
      ...(redis === undefined ? {} : { REDIS_URL: redis }),
      ...(await authentication(stage.root, stage.settings.AUTH)),
      ...tracingTo(viewer.endpoint, process.env),
      CORS_ORIGINS: viewer.endpoint,
      // What is kept meets no fault; and what a busy machine leaves out would be another riddle.
      ...(stage.fault ? { CACHE: 'off', ADMISSION: 'off' } : {}),
      NODE_ENV: 'development',
      DEV_PAGE: viewer.page,
      LOG_LEVEL: stage.settings.LOG_LEVEL,
    },
    onLine: (line) => {
      const text = readable(line);
      // A hundred requests a second are read on the page.
      if (!stage.fault || text.tone !== 'plain') say('gateway', text);
      viewer.log(line);
    },
    // It drains first: requests that are under way get their answer.
    endLimitMs: 15_000,
  });
  const admin = `http://${HOST}:${adminPort}`;
  await untilOk(`${admin}/readyz`, READY_LIMIT_MS, stage.ending);
  return { gateway: `http://${HOST}:${port}`, admin };
}

export interface Part {
  readonly name: string;
  readonly command?: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  readonly endLimitMs: number;
}

async function run({ root, running, killers, onCrash }: Stage, { name, ...part }: Part): Promise<Child> {
  const child = await startChild({ ...part, cwd: root, onCrash: (reason) => onCrash(`the ${name} ${reason}`) });
  killers.add(() => child.kill());
  running.defer(async () => {
    if (!(await child.end())) complain(`the ${name} did not end within ${part.endLimitMs / 1_000} s and was killed`);
  });
  return child;
}
