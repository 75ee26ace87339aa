// npm run cassandra [-- --port 9042]: one Cassandra node for development, until Ctrl-C. Its data go with it.
import { parseArgs } from 'node:util'
import { howToGet, oneNode, provides } from '../test/cassandra/server.mjs'

const { values } = parseArgs({ options: { port: { type: 'string', default: '9042' } } })
if (!provides()) {
  console.error(`No Cassandra can be started here. Get it with: ${howToGet}`)
  process.exit(1)
}
console.log('Starting Cassandra 5.0; the first time 66 MB are downloaded ...')
const { contactPoints, localDc, stop } = await oneNode({
  host: '127.0.0.1',
  port: Number(values.port),
  heapMb: 512,
  quick: false,
})
const options = `--contact-points ${contactPoints.join(',')} --local-dc ${localDc} --keyspace bluetick`
console.log(`Cassandra listens on ${contactPoints.join(', ')}. Create the schema, then serve:
  node dist/src/cli/main.js schema apply ${options}
  node dist/src/cli/main.js serve --store cassandra ${options}
Ctrl-C stops it and forgets its data.`)
const going = setInterval(() => {}, 60_000)
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, async () => {
    clearInterval(going)
    await stop()
  })
