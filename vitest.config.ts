import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { namesSkips } from './test/skips.ts'

/** Who names the tests with Cassandra asks for them. */
const cassandra = process.argv.slice(2).some((argument) => argument.includes('cassandra'))

/**
 * Files that take half a minute and more, each beside others that wait where it computes: they begin first, so that none of them is
 * left alone at the end. Vitest goes by former durations, and in a fresh clone by the size of a file, which says little.
 */
const longest = [
  'test/cassandra/faults.test.ts',
  'test/forwarding/webhooks.test.ts',
  'test/client/e2ee/fuzz.test.ts',
  'test/e2e/page.test.ts',
  'test/cassandra/lasting.test.ts',
  'test/client/e2ee/peer.test.ts',
  'test/e2e/serve.test.ts',
  'test/cassandra/node.test.ts',
  'test/docs/commands.test.ts',
  'test/kill/kill.test.ts',
  'test/kill/claims.test.ts',
  'test/e2e/page-e2ee.test.ts',
  'test/operations/erasing.test.ts',
  'test/package/package.test.ts',
  'test/cassandra/replicas.test.ts',
  'test/cassandra/cost.test.ts',
  'test/docs/programs.test.ts',
  'test/e2e/page-long.test.ts',
  'test/store/cassandra.test.ts',
  'test/simulation/ownership.test.ts',
  'test/hosts/pace.test.ts',
  'test/cassandra/laptop.test.ts',
  'test/cassandra/cluster.test.ts',
  'test/e2e/page-sealed-media.test.ts',
  'test/e2e/page-lasting.test.ts',
  'test/cassandra/bench.test.ts',
  'test/cassandra/secured.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification) => {
      const place = longest.findIndex((file) => moduleId.endsWith(`/${file}`))
      return place < 0 ? longest.length : place
    }
    return (await super.sort(files)).sort((one, other) => placeOf(one) - placeOf(other))
  }
}

export default defineConfig({
  resolve: { alias: { '#websocket': new URL('./src/client/websocket-node.ts', import.meta.url).pathname } },
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', namesSkips],
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/dist.mjs', 'test/cassandra/shared.mjs'],
    env: cassandra ? { CASSANDRA_TESTS: process.env['CASSANDRA_TESTS'] ?? 'asked' } : {},
    // For a laptop that does much else: they end what hangs, and measure nothing.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 120_000 } },
    // Half of the time of a file it waits. A machine that does nothing else has two for each of two cores.
    maxWorkers: process.env['CI'] ? 4 : 2,
  },
})
