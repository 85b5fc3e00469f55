import { defineConfig } from 'vitest/config';

// What the developer's shell says about other servers is nobody's business here.
for (const name of Object.keys(process.env)) {
  if (/^(PG[A-Z]+$|LOOKUP_)/.test(name)) delete process.env[name];
}

export default defineConfig({
  test: {
    include: ['lookup/**/*.test.ts', 'test/**/*.test.ts', 'loadtest/**/*.test.ts'],
    globalSetup: ['test/run-postgres.ts'],
    setupFiles: ['test/end-with-runner.ts'],
    // A native addon that is loaded by two threads of one process ends it: processes only.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    teardownTimeout: 20_000,
    passWithNoTests: false,
  },
});
