/**
 * Loaded into the service by `--import`: each 200 costs BALLAST_MS more of its CPU, as of a service that computes with what
 * it joins. Without it a request costs so little that reading and refusing ten times as many takes all the CPU there is.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';

const ballastUs = Number(process.env['BALLAST_MS'] ?? '2') * 1_000;

/** Of this thread. Not by the clock, which goes on while others have the core. */
function usedUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

subscribe('http.server.response.finish', (message) => {
  if ((message as { response: ServerResponse }).response.statusCode !== 200) return;
  const until = usedUs() + ballastUs;
  while (usedUs() < until);
});
