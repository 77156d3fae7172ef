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
  'test/embedded-engine.test.ts',
  'test/sip/controller.test.ts',
  'test/sip/outcomes.test.ts',
  'test/sip/server-watch.test.ts',
  'test/sip/vanished-server.test.ts',
  'test/sip/engine/core/**',
  'test/sip/engine/torture/**',
  'test/sip/engine/transport/streams.test.ts',
  'test/sip/engine/transport/tcp.test.ts',
  'test/sip/engine/transport/tls.test.ts',
  'test/sip/engine/engine.test.ts',
  'test/sip/engine/fuzz.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: SYSTEM,
          // Loading the modules once for all files takes a third of the time; these tests keep no state.
          isolate: false,
          maxWorkers: '100%',
        },
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
