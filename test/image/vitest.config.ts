import { defineConfig } from 'vitest/config';

// Apart from the other tests, because these need a container engine and a built image. How to run them: docs/image.md.
export default defineConfig({
  test: {
    name: 'image',
    include: ['test/image/**/*.test.ts'],
    globalSetup: ['test/setup/postgres.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
