import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Isolation costs most of the time of a run; no test keeps state in modules.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
