import { describe, expect, it } from 'vitest'
import { living } from '../../src/store/cassandra/log.ts'

describe('the rows of a log that count', () => {
  const rows = (...pairs: [number, number][]) => living(pairs.map(([seq, term]) => ({ seq, term })))
  it.each([
    ['all of one term', rows([1, 1], [2, 1]), '1/1 2/1'],
    ['the higher term at the same seq', rows([1, 1], [2, 2], [2, 1]), '1/1 2/2'],
    ['none of a lower term behind it', rows([1, 1], [2, 2], [2, 1], [3, 1], [4, 1]), '1/1 2/2'],
    ['what the new term writes over them', rows([1, 1], [2, 2], [2, 1], [3, 2], [3, 1], [4, 1]), '1/1 2/2 3/2'],
    ['none of a lower term than that of the row before', living([{ seq: 5, term: 1 }], 2), ''],
  ])('are %s', (_what, found, expected) => {
    expect(found.map(({ seq, term }) => `${seq}/${term}`).join(' ')).toBe(expected)
  })
})
