// usage: PORT=7071 node demo/sentiment/main.ts
import { once } from 'node:events';
import { createSentimentModel, model } from './server.ts';

const EXIT_LIMIT_MS = 1_000;

const server = createSentimentModel();
server.listen(Number(process.env['PORT'] ?? 7071), process.env['HOST'] ?? '127.0.0.1');
await once(server, 'listening');
console.log(`the Node twin serves ${model.name}, which sorts ${Math.round(model.accuracy * 100)}% of held-out reviews right`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close();
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), EXIT_LIMIT_MS).unref();
  });
}
