// Bundles the service into dist/: one file to start it, one to start tracing, and what they share. A bundle starts
// faster than thousands of small files, and the image needs no node_modules.
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: { main: 'src/main.ts', 'otel/start': 'otel/start.ts' },
  outdir: 'dist',
  bundle: true,
  // The API of OpenTelemetry, above all, must be one and the same for both.
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  // Stacks need names and places; the sources are in the repository.
  sourcesContent: false,
  legalComments: 'linked',
  // Optional, and absent: pg loads it only when it is asked for by name.
  external: ['pg-native'],
  // CommonJS packages inside an ES module still call require.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  logLevel: 'info',
});
