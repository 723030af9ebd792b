// The arrows of ARCHITECTURE.md, checked by `npm run arrows`: a folder imports what its line names, and nothing else of ours.
const only = (folder, ...allowed) => ({
  name: `${folder}-imports-only-${allowed.join('-') || 'itself'}`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: [folder, ...allowed].map((name) => `^src/${name}/`) },
});

const onlyIn = (name, where, packages) => ({
  name,
  severity: 'error',
  from: { path: '^(src|otel)/', pathNot: where },
  to: { path: `node_modules/(${packages})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: '^(src/(main|migrate|notify)|otel/start)\\.ts$' }, to: {} },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    only('core'),
    only('cache'),
    only('policies', 'core', 'cache'),
    only('clients', 'core', 'cache'),
    only('sources', 'core', 'cache', 'policies', 'clients'),
    only('aggregates', 'core', 'sources'),
    only('operations', 'core', 'sources', 'clients'),
    only('http', 'core', 'cache', 'clients', 'aggregates'),
    onlyIn('drivers-only-in-clients', '^src/clients/', 'pg|pg-pool|node-pg-migrate|ioredis|undici'),
    onlyIn('hono-only-in-http', '^src/(http/|app\\.ts)', 'hono|@hono'),
    onlyIn('opentelemetry-api-only-where-spans-are-made', '^src/core/trace\\.ts|^otel/', '@opentelemetry/api'),
    onlyIn('opentelemetry-sdk-only-in-otel', '^otel/', '@opentelemetry/(?!api)[^/]+'),
    { name: 'nobody-imports-main', severity: 'error', from: {}, to: { path: '^src/main\\.ts$' } },
    { name: 'no-tests-in-src', severity: 'error', from: { path: '^(src|otel)/' }, to: { path: '^(test|bench|demo)/' } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
