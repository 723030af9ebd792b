/** Loaded into a service: SIGUSR2 blocks its event loop for half a second. Both lines are written by the blocked thread itself. */
import { writeSync } from 'node:fs';

process.on('SIGUSR2', () => {
  writeSync(1, '{"msg":"the loop is blocked"}\n');
  const until = performance.now() + 500;
  while (performance.now() < until);
  writeSync(1, '{"msg":"the loop goes on"}\n');
});
