import { type DestinationStream, pino } from 'pino';
import { createApp } from '../app.ts';
import { createClients, warmClients } from '../clients/clients.ts';
import type { Config } from '../config.ts';
import { settlesWithin } from '../core/settles-within.ts';
import { isRecording } from '../core/trace.ts';
import { createAdmin } from '../http/admin.ts';
import { createHealth } from '../http/health.ts';
import { type Lane, listen, portOf } from '../http/server.ts';
import { limitsOf, startKeeping } from './keeping.ts';
import { logConsole } from './logged-console.ts';
import { observeProcess } from './process-metrics.ts';
import { close, drain, endsWithinMs, retire, type Serving } from './service-end.ts';
import { countsOfAll } from './worker-counts.ts';
import { workerLink } from './worker-link.ts';

type LogFile = DestinationStream & { flush(written: (error?: Error) => void): void; flushSync(): void };

/** How long the last lines may take to be written. */
const writeMs = 1_000;

/**
 * Runs the service in this process: alone, or as one worker of several. Resolves when it listens; if it cannot, the process ends with 1.
 * `ahead` are lanes before its own, of whoever embeds it.
 */
export async function serve(config: Config, ...ahead: readonly Lane[]): Promise<void> {
  const file = logFile(config);
  const log = pino({ level: config.logLevel, base: workerLink() ? { pid: process.pid } : null, timestamp: pino.stdTimeFunctions.isoTime }, file);
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an error that nobody caught: the state is unknown, so the process ends');
    file.flushSync();
    process.exit(1);
  });
  logConsole(log);
  const clients = createClients(config, (client, error) => { log.warn({ err: error, client }, 'an idle connection was lost'); });
  const keeping = await startKeeping(config, clients, log);
  // Loaded only where it is used, as Redis is.
  const authenticating = config.jwt && await (await import('./authenticating.ts')).startAuthenticating(config.jwt, log);
  const { app, edge, lanes, headers, admission } = createApp(clients, {
    ...config, log, cache: keeping?.cache, authentication: authenticating?.authentication, open: config.auth === 'optional', limits: await limitsOf(config, keeping?.redis),
  });
  void warmClients(clients);
  observeProcess();
  let started = false;
  const dependencies = { ...clients, ...(keeping?.redis ? { redis: keeping.redis } : {}) };
  const operators = createHealth(dependencies, { started: () => started, draining: () => edge.draining, shedding: () => admission?.aside ?? false }).route('/', createAdmin(keeping?.cache, countsOfAll()));
  const recording = isRecording();
  if (process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] && !recording) log.error('OTEL_EXPORTER_OTLP_ENDPOINT is set, but no span is recorded: was the process started with --import otel/start?');
  try {
    // Probes last: among several workers they must not meet one that does not serve yet.
    const server = await listen(app, config.port, config.host, [...ahead, ...lanes], { log, headers });
    started = true;
    admission?.start();
    const admin = await listen(operators, config.adminPort, config.host);
    obey({ app: server, admin, edge, clients, keeping, authenticating, log, ...config }, file);
    log.info({ host: config.host, port: portOf(server), admin_port: portOf(admin), tracing: recording, cache: config.cache }, 'listening');
    if (config.auth === 'none') log.warn('AUTH=none: everybody who reaches this port may read everything');
  } catch (error) {
    log.fatal({ err: error }, 'could not listen');
    file.flushSync();
    process.exit(1);
  }
}

/** Ends when it is told to, by signals and by the supervisor if there is one. */
function obey(serving: Serving, file: LogFile): void {
  const { log } = serving;
  const link = workerLink();
  let ending = false;
  let signalled = false;
  const endBy = (how: (serving: Serving) => Promise<void>) => () => {
    if (ending) return;
    ending = true;
    void how(serving).then(async () => {
      await link?.leave();
      log.info('ended');
      await written(file);
      process.exit(0);
    });
  };
  /** The first signal ends in order; a second one ends at once. */
  const onSignal = (signal: NodeJS.Signals) => {
    if (signalled) {
      log.warn({ signal }, 'ended at once');
      file.flushSync();
      process.exit(130);
    }
    signalled = true;
    endBy(drain)();
  };
  // Until now SIGTERM ended the process at once (otel/start.ts). The new listener comes first: in a moment without
  // any, Node would lose a signal that has already been caught.
  const early = process.listeners('SIGTERM');
  process.on('SIGTERM', onSignal);
  for (const listener of early) process.off('SIGTERM', listener);
  process.on('SIGINT', onSignal);
  const orphaned = () => {
    log.warn('the supervisor is gone, and with it the sockets');
    endBy(close)();
  };
  link?.listening(endsWithinMs(serving), { end: endBy(drain), retire: endBy(retire), orphaned });
}

/** Not flushSync, which tries for ever where nobody reads any more: the process would never end. */
async function written(file: LogFile): Promise<void> {
  await settlesWithin(new Promise<void>((resolve) => { file.flush(() => { resolve(); }); }), writeMs);
}

/** In production written in blocks and once a second, since a write for each line costs more than the line. */
function logFile({ production }: Config): LogFile {
  if (!production) return pino.destination({ sync: false, minLength: 1 });
  const blocks = { sync: false, minLength: 4_096, periodicFlush: 1_000 };
  // Workers share one pipe. What is longer than 4 KiB (PIPE_BUF) the kernel may mix with what another one writes.
  return pino.destination(workerLink() ? { ...blocks, minLength: 4_095, maxWrite: 4_096 } : blocks);
}
