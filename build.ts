// Bundles the service into dist/: one file to start it, one to start tracing, and what they share. A bundle starts
// faster than thousands of small files, and the image needs no node_modules.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { swaggerFiles } from './src/http/openapi/page.ts';

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: { main: 'src/main.ts', notify: 'src/notify.ts', migrate: 'src/migrate.ts', 'otel/start': 'otel/start.ts' },
  outdir: 'dist',
  bundle: true,
  // The API of OpenTelemetry, above all, must be one and the same for both.
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  // Less to read at the start. Names stay: they are in stacks, and in what is logged of errors.
  minifyWhitespace: true,
  minifySyntax: true,
  // Stacks need names and places; the sources are in the repository.
  sourcesContent: false,
  legalComments: 'linked',
  // Optional, and absent: pg loads it only when it is asked for by name.
  external: ['pg-native'],
  // CommonJS packages inside an ES module still call require.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  logLevel: 'info',
});
await copySwagger();
await cp('src/migrations', 'dist/migrations', { recursive: true });
await warmUp();

/** What /docs loads, as a package beside the bundle, so that it is found in the same way as beside the sources; and its licences. */
async function copySwagger(): Promise<void> {
  for (const name of ['package.json', 'LICENSE', 'NOTICE', 'swagger-ui-bundle.js.LICENSE.txt', ...swaggerFiles]) {
    await cp(`node_modules/swagger-ui-dist/${name}`, `dist/node_modules/swagger-ui-dist/${name}`);
  }
}

/**
 * Runs the bundle once, up to an answer, so that it leaves in dist/compiled what Node compiled of it: otel/start.ts reads
 * that at every start. Without it everything works as well, only a little later.
 */
async function warmUp(): Promise<void> {
  const child = spawn(process.execPath, ['--import', './dist/otel/start.js', 'dist/main.js'], {
    // Nobody is at port 9: parts are missing in the answer, and traces go nowhere.
    env: {
      HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', DATABASE_URL: 'postgres://127.0.0.1:9/none', RECOMMENDATIONS_URL: 'http://127.0.0.1:9',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_LOG_LEVEL: 'none',
      // Loaded only where it is used, so used here.
      CACHE: 'redis', REDIS_URL: 'redis://127.0.0.1:9', CACHE_NOTIFY: 'off',
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), 30_000);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { msg, port } = JSON.parse(line) as { msg: string; port?: number };
    if (msg !== 'listening') return;
    const asked = fetch(`http://127.0.0.1:${port}/api/aggregated?user_id=1`).then((reply) => reply.text());
    void asked.catch(() => undefined).finally(() => child.kill('SIGTERM'));
  });
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(limit);
  if (code !== 0) console.warn(`expected a run to warm up to end with 0, but got ${code}: the bundle will start more slowly`);
}
