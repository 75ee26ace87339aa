import { expect, it } from 'vitest'
import { isLifetime, timerOf } from '../../src/protocol/lifetime.ts'

const day = 86_400_000

it('knows lifetimes from other text', () => {
  const good = ['default', 'permanent', 'temporary', 'delivered 1000', `delivered ${90 * day}`, 'read 30000']
  for (const lifetime of good) expect(isLifetime(lifetime), lifetime).toBe(true)
  const bad = ['', 'Default', 'delivered', 'delivered ', 'read 999', `read ${90 * day + 1}`, 'read 01000', 'read 1e4']
  for (const lifetime of [
    ...bad,
    ' read 5000',
    'read 5000 ',
    'read  5000',
    'read 5000.5',
    'read -5000',
    null,
    5_000,
    {},
  ])
    expect(isLifetime(lifetime), String(lifetime)).toBe(false)
})

it('tells what starts a timer and how long it takes', () => {
  expect(timerOf('delivered 1000')).toEqual({ start: 'delivered', ms: 1_000 })
  expect(timerOf('read 604800000')).toEqual({ start: 'read', ms: 7 * day })
  for (const without of ['default', 'permanent', 'temporary']) expect(timerOf(without)).toBeUndefined()
})
