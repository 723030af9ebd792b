// usage: DATABASE_URL=postgres://… PORT=7070 node demo/recommender/main.ts
import { once } from 'node:events';
import { z } from 'zod';
import { loadShop } from './load.ts';
import { train } from './model.ts';
import { createRecommender } from './server.ts';

const Environment = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'expected DATABASE_URL to be a postgres:// URL' }),
  PORT: z.coerce.number({ error: 'expected PORT to be a number' }).int().min(0).max(65_535).default(7070),
  // Loopback unless told otherwise: its control route is for everybody who can reach it.
  HOST: z.string().default('127.0.0.1'),
});
const EXIT_LIMIT_MS = 1_000;

const parsed = Environment.safeParse(process.env);
if (!parsed.success) {
  console.error(`the recommender cannot start:\n${z.prettifyError(parsed.error)}`);
  process.exit(1);
}
const { DATABASE_URL, PORT, HOST } = parsed.data;

const beganMs = performance.now();
const { purchases, products } = await loadShop(DATABASE_URL);
const loadedMs = performance.now();
const model = train(purchases);
const trainedInMs = Math.round(performance.now() - loadedMs);
console.log(
  `${purchases.length} purchases of ${model.userCount} users read in ${Math.round(loadedMs - beganMs)} ms; ` +
    `${model.pairCount} similarities of ${model.productCount} products computed in ${trainedInMs} ms`,
);

const server = createRecommender({
  model,
  products,
  trainedInMs,
  onFault: ({ mode, delayMs, oneIn }) => console.log(`from now on: mode ${mode}, delay ${delayMs} ms${oneIn > 1 ? `, one question in ${oneIn}` : ''}`),
});
server.listen(PORT, HOST);
await once(server, 'listening');
console.log(`listening on ${HOST}:${PORT}`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close();
    server.closeIdleConnections();
    // Answers that were told to hang or to drip will not end by themselves.
    setTimeout(() => server.closeAllConnections(), EXIT_LIMIT_MS).unref();
  });
}
