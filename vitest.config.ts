import { defineConfig } from 'vitest/config';

// Time-outs end what hangs, and nothing else: a machine whose CPU others have too is ten times slower than an idle one.
const strict = { unstubEnvs: true, restoreMocks: true, testTimeout: 60_000, hookTimeout: 60_000 };
// With processes that start, and wait for one another.
const slow = { ...strict, testTimeout: 240_000, hookTimeout: 240_000 };

// By what they need: `unit` and `simulation` nothing, the others a real Postgres and a real Redis, which they share.
export default defineConfig({
  test: {
    // Two, since the tests wait more than they compute, and vitest would take one on a machine of two cores.
    maxWorkers: 2,
    // CI counts what ran: see .ci/summary.mjs. A run of one project must not overwrite the count of all.
    reporters: process.env['CI'] && !process.argv.includes('--project') ? ['default', ['json', { outputFile: 'coverage/tests.json' }]] : ['default'],
    projects: [
      {
        test: {
          ...strict,
          name: 'unit',
          include: ['test/{core,cache,policies,sources,http,clients,config,process,otel,aggregates}/**/*.test.ts'],
          typecheck: { enabled: false },
        },
      },
      {
        test: {
          ...slow,
          name: 'contracts',
          include: ['test/{contracts,support,demo,bench,tools}/**/*.test.ts'],
          globalSetup: ['test/setup/postgres.ts', 'test/setup/redis.ts'],
        },
      },
      {
        test: {
          ...strict,
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          testTimeout: 24 * 60 * 60_000,
        },
      },
      {
        test: {
          ...slow,
          name: 'faults',
          include: ['test/{faults,fuzz}/**/*.test.ts'],
          globalSetup: ['test/setup/postgres.ts', 'test/setup/redis.ts'],
        },
      },
      {
        test: {
          ...slow,
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          globalSetup: ['test/setup/postgres.ts', 'test/setup/redis.ts'],
        },
      },
    ],
  },
});
