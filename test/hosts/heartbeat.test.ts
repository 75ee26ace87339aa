/** Devices that stay connected and say nothing are not taken for gone after a kill. */
import { expect, it } from 'vitest'
import type { NodeRouter } from '../../actors/addresses.ts'
import { staying } from '../../src/hosts/heartbeat.ts'
import type { UserId } from '../../src/protocol/ids.ts'

function start(...rounds: readonly number[]) {
  const told: string[] = []
  const router = {
    tell: ({ kind, id }: { kind: string; id: string }, { timer }: { timer: string }) =>
      told.push(`${kind} ${id} ${timer}`),
  } as unknown as NodeRouter
  let round = 0
  const connected = () => {
    const count = rounds[round] ?? 0
    round += 1
    return Array.from({ length: count }, (_, n) => `${round}.${n}` as UserId)
  }
  const beat = staying(router, connected)
  return { told, beat }
}

it('everyone who is connected is told once a round, a hundred at a time', async () => {
  const { told, beat } = start(250)
  expect([await beat(), told.length]).toEqual([150, 100])
  expect([await beat(), told.length]).toEqual([50, 200])
  expect([await beat(), told.length]).toEqual([0, 250])
  expect(new Set(told).size).toBe(250)
  expect(told[0]).toBe('user 1.0 stay')
})

it('a new round is of those who are connected then', async () => {
  const { told, beat } = start(1, 2, 0)
  for (let n = 0; n < 3; n++) expect(await beat()).toBe(0)
  expect(told).toEqual(['user 1.0 stay', 'user 2.0 stay', 'user 2.1 stay'])
})
