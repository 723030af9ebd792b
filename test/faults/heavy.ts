/** Loaded into a service: each of its answers to clients costs 10 ms of CPU, so that a hundred a second are all it can do. */
import { subscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';

subscribe('http.server.response.finish', (message) => {
  const { response: { statusCode, req } } = message as { response: ServerResponse };
  if (statusCode !== 200 || !req.url?.startsWith('/api/')) return;
  const until = performance.now() + 10;
  while (performance.now() < until);
});
