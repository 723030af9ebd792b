import { defineConfig } from 'vitest/config';

// `npm run check:k8s`. Apart from the other tests, because these need kubectl, and Python and Go to bring the validators.
export default defineConfig({
  test: {
    name: 'k8s',
    include: ['test/k8s/**/*.test.ts'],
    // Validators start an interpreter, and read schemas.
    testTimeout: 60_000,
  },
});
