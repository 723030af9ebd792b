import { pino } from 'pino';
import { createApp } from './app.ts';
import { closeClients, createClients } from './clients/clients.ts';
import { type Config, ConfigError, readConfig, redacted } from './config.ts';
import { closeTracing, isRecording } from './core/trace.ts';
import { createHealth } from './http/health.ts';
import { closeServer, listen, portOf } from './http/server.ts';

/** EX_CONFIG of sysexits.h: trying again will not help. */
const badConfiguration = 78;

/** How long traces may take to leave at the end. */
const flushMs = 2_000;

// Not `--enable-source-maps`: under that flag pino, which asks for its caller, has the whole map parsed at the start.
process.setSourceMapsEnabled(true);

const config = configured();
// In production written in blocks and once a second, since a write for each line costs more than the line.
const logFile = pino.destination({ sync: false, ...(config.production ? { minLength: 4_096, periodicFlush: 1_000 } : {}) });
const log = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, logFile);

let started = false;
const clients = createClients(config, (client, error) => { log.warn({ err: error, client }, 'an idle connection was lost'); });
const { app, edge } = createApp(clients, { log, sampling: config.sampling, timeoutStatus: config.timeoutStatus });
const health = createHealth(clients, { started: () => started, draining: () => edge.draining });

process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'an error that nobody caught: the state is unknown, so the process ends');
  logFile.flushSync();
  process.exit(1);
});

await start();

async function start(): Promise<void> {
  const recording = isRecording();
  if (process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] && !recording) log.error('OTEL_EXPORTER_OTLP_ENDPOINT is set, but no span is recorded: was the process started with --import otel/start?');
  try {
    const admin = await listen(health, config.adminPort, config.host);
    const server = await listen(app, config.port, config.host);
    const end = endOnce(async () => {
      edge.drain();
      log.info({ delay_ms: config.drainDelayMs, under_way: edge.underWay }, 'draining');
      await delay(config.drainDelayMs);
      await closeServer(server, config.drainTimeoutMs);
      await closeClients(clients);
      await closeServer(admin, 0);
      await closeTracing(flushMs);
      log.info('ended');
    });
    // Until now SIGTERM ended the process at once (otel/start.ts). The new listener comes first: in a moment without
    // any, Node would lose a signal that has already been caught.
    const early = process.listeners('SIGTERM');
    process.on('SIGTERM', end);
    for (const listener of early) process.off('SIGTERM', listener);
    process.on('SIGINT', end);
    started = true;
    log.info({ host: config.host, port: portOf(server), admin_port: portOf(admin), tracing: recording }, 'listening');
    if (config.auth === 'none') log.warn('AUTH=none: everybody who reaches this port may ask everything');
  } catch (error) {
    log.fatal({ err: error }, 'could not listen');
    logFile.flushSync();
    process.exit(1);
  }
}

/** The first signal ends in order; a second one ends at once. */
function endOnce(end: () => Promise<void>): (signal: NodeJS.Signals) => void {
  let ending = false;
  return (signal) => {
    if (ending) {
      log.warn({ signal }, 'ended at once');
      logFile.flushSync();
      process.exit(130);
    }
    ending = true;
    void end().then(() => {
      logFile.flushSync();
      process.exit(0);
    });
  };
}

function configured(): Config {
  try {
    const read = readConfig(process.env);
    if (!process.argv.includes('--print-config')) return read;
    console.log(JSON.stringify(redacted(read), undefined, 2));
    return process.exit(0);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`The configuration is not valid:\n${error.message}`);
    return process.exit(badConfiguration);
  }
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });
