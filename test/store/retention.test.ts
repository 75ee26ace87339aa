import { expect, it } from 'vitest'
import { fileMedia } from '../../src/media/files.ts'
import { cassandraStore } from '../../src/store/cassandra.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { memoryStore } from '../../src/store/memory.ts'

const cluster = { contactPoints: ['127.0.0.1'], localDc: 'dc1', keyspace: 'bluetick' }

it.each([
  ['lmdbStore', (options: object) => lmdbStore('nowhere', options)],
  ['memoryStore', (options: object) => memoryStore(options)],
  ['cassandraStore', (options: object) => cassandraStore(cluster, options)],
] as const)('%s refuses times that cannot be, before it opens anything', (_, make) => {
  for (const retentionMs of [-1, 0, 1.5, Number.NaN, '30d'])
    expect(() => make({ retentionMs })).toThrow(
      new RangeError('retentionMs must be a whole number of milliseconds, at least 1'),
    )
  // A repeat is known for a day: guarantee 3.
  expect(() => make({ dedupeMs: 3_600_000 })).toThrow(
    'dedupeMs must be a whole number of milliseconds, at least 86400000',
  )
  expect(() => make({ retentionMs: 1, dedupeMs: 86_400_000 })).not.toThrow()
  expect(() => make({ retentionMs: undefined })).not.toThrow()
})

it('lmdbStore takes true or false for whether threads write', () => {
  expect(() => lmdbStore('nowhere', { threaded: 'yes' as never })).toThrow('lmdbStore: threaded must be true or false')
})

it('fileMedia does, too', () => {
  for (const options of [{ retentionMs: -1 }, { resumeMs: 0 }])
    expect(() => fileMedia('nowhere', options)).toThrow(RangeError)
})
