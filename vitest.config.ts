import { defineConfig } from 'vitest/config'
import { namesSkips } from './test/skips.ts'

export default defineConfig({
  resolve: { alias: { '#websocket': new URL('./src/client/websocket-node.ts', import.meta.url).pathname } },
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', namesSkips],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 2,
  },
})
