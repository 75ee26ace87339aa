import { expect, it } from 'vitest'
import { verdictOn } from '../../bench/rules.ts'

it('compares the best of several runs with what was', () => {
  const cost = { key: 'cpu', most: 1.25 } as const
  expect(verdictOn(cost, { cpu: 4 }, [{ cpu: 6 }])).toEqual({ worse: true, text: 'cpu: 6.00, was 4.00, at most 5.00' })
  expect(verdictOn(cost, { cpu: 4 }, [{ cpu: 6 }, { cpu: 5 }]).worse).toBe(false)
  const rate = { key: 'rate', least: 0.5 } as const
  expect(verdictOn(rate, { rate: 100 }, [{ rate: 40 }, { rate: 45 }]).worse).toBe(true)
  expect(verdictOn(rate, { rate: 100 }, [{ rate: 40 }, { rate: 50 }]).worse).toBe(false)
})

it('compares a tail by how far it lies beyond that of the relay in the same run', () => {
  const tail = { key: 'p99', beyond: 'floor', most: 2 } as const
  expect(verdictOn(tail, { p99: 6, floor: 1 }, [{ p99: 30, floor: 20.5 }])).toEqual({
    worse: false,
    text: 'p99 beyond floor: 9.50, was 5.00, at most 10.00',
  })
  expect(verdictOn(tail, { p99: 6, floor: 1 }, [{ p99: 12, floor: 1 }]).worse).toBe(true)
})

it('takes a figure that is not there for worse', () => {
  expect(verdictOn({ key: 'cpu', most: 1 }, { cpu: 4 }, [{}]).worse).toBe(true)
  expect(verdictOn({ key: 'cpu', most: 1 }, {}, [{ cpu: 4 }]).worse).toBe(true)
})
