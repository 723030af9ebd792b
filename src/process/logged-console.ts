import { format } from 'node:util';
import type { Logger } from 'pino';

/* eslint-disable no-console -- it is where the console ends */

/** From now on what libraries complain of to the console (ioredis, OpenTelemetry) is logged: whoever collects the log reads one form of it. */
export function logConsole(log: Logger): void {
  console.warn = (...said: unknown[]) => { log.warn(format(...said)); };
  console.error = (...said: unknown[]) => { log.error(format(...said)); };
}
