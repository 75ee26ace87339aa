import { defineConfig } from 'vitest/config'
import { namesSkips } from './test/skips.ts'

/** Who names the tests with Cassandra asks for them. */
const cassandra = process.argv.slice(2).some((argument) => argument.includes('cassandra'))

export default defineConfig({
  resolve: { alias: { '#websocket': new URL('./src/client/websocket-node.ts', import.meta.url).pathname } },
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', namesSkips],
    globalSetup: ['test/dist.mjs', 'test/cassandra/shared.mjs'],
    env: cassandra ? { CASSANDRA_TESTS: process.env['CASSANDRA_TESTS'] ?? 'asked' } : {},
    // For a laptop that does much else: they end what hangs, and measure nothing.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 120_000 } },
    maxWorkers: 2,
  },
})
