import type { Client } from 'cassandra-driver'
import { afterAll, beforeAll, describe } from 'vitest'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { cassandraStore } from '../../src/store/cassandra.ts'
import { cassandraNode, driver, oneNodeHere, truncate } from '../cassandra/here.ts'
import { storeContract } from '../contracts/store.ts'

describe('Cassandra', oneNodeHere, () => {
  const node = cassandraNode()
  let options: CassandraOptions
  let client: Client
  beforeAll(async () => {
    options = await node.keyspace()
    client = await driver(options)
  }, 60_000)
  afterAll(() => client?.shutdown())

  storeContract(
    'cassandra',
    async () => {
      await truncate(client)
      return cassandraStore(options)
    },
    { reopen: () => cassandraStore(options), expires: 'by itself' },
  )
})
