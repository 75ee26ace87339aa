import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { alias: { '#websocket': new URL('./src/client/websocket-node.ts', import.meta.url).pathname } },
  test: { include: ['test/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 60_000, maxWorkers: 2 },
})
