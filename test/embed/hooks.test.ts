import { expect, it } from 'vitest'
import { tellHooks } from '../../src/embed/hooks.ts'
import type { GroupId, MessageId, UserId } from '../../src/protocol/ids.ts'
import { systemClock } from '../../src/runtime/index.ts'

const [alice, bob] = ['alice', 'bob'] as [UserId, UserId]

function listen() {
  const told: string[] = []
  const events = tellHooks(
    {
      onDelivered: ({ from, to, upTo }) => told.push(`${from} to ${to}: delivered ${upTo.epoch}.${upTo.seq}`),
      onRead: ({ from, to, upTo }) => told.push(`${from} to ${to}: read ${upTo.epoch}.${upTo.seq}`),
    },
    systemClock,
  )
  const receipt = (epoch: number, delivered: number, read: number) =>
    events.receipted(alice, { peer: bob, epoch, delivered, read })
  return { told, receipt }
}

it('tells delivered before read, and each only as it rises', () => {
  const { told, receipt } = listen()
  for (const [delivered, read] of [
    [1, 0],
    [1, 0],
    [3, 3],
    [2, 1],
    [4, 3],
  ] as const)
    receipt(7, delivered, read)
  expect(told).toEqual([
    'alice to bob: delivered 7.1',
    'alice to bob: delivered 7.3',
    'alice to bob: read 7.3',
    'alice to bob: delivered 7.4',
  ])
})

it('begins again with another log of the recipient', () => {
  const { told, receipt } = listen()
  receipt(7, 5, 0)
  receipt(8, 1, 0)
  expect(told).toEqual(['alice to bob: delivered 7.5', 'alice to bob: delivered 8.1'])
})

it('tells a message to a group once, not again for each member', () => {
  const told: object[] = []
  const events = tellHooks({ onAccepted: ({ to, at, change }) => told.push({ to, at, change }) }, systemClock)
  const group = '#g' as UserId & GroupId
  const entry = { is: 'message', seq: 3, time: 1, id: 'id' as MessageId, from: alice, body: 'Tea' } as const
  events.accepted(group, { epoch: 7, entry: { ...entry, change: 'rename' } })
  const place = { group, epoch: 7, at: 3, change: 'rename' } as const
  events.accepted(bob, { epoch: 8, entry: { ...entry, seq: 9, place } })
  expect(told).toEqual([{ to: '#g', at: { epoch: 7, seq: 3 }, change: 'rename' }])
})
