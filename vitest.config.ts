import { defineConfig } from 'vitest/config'

/**
 * Two projects: `unit` needs nothing but Node and answers in seconds (`npm run check`);
 * `system` uses PostgreSQL, sockets and SIPp (`npm test` runs both).
 */
const SYSTEM = [
  'test/db/**',
  'test/flow/**',
  'test/http/**',
  'test/delivery/**',
  'test/cli/**',
  'test/conformance/**',
  'test/end-to-end/**',
  'test/faults/**',
  'test/model/**',
  // Whole calls, which wait for timers and threads.
  'test/sip/engine/core/**',
  'test/sip/engine/engine.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: SYSTEM },
      },
      {
        test: {
          name: 'system',
          include: SYSTEM.map((path) => (path.endsWith('.ts') ? path : `${path}/*.test.ts`)),
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
    ],
  },
})
