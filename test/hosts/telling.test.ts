/** What actors are told of what clients ask for, and that they come and go. */
import { expect, it } from 'vitest'
import type { Presented } from '../../actors/log/types.ts'
import { hosted } from './clients.ts'

/** The store's answers to where cursors stand, given by hand. */
function standing() {
  const open: { readonly say: (at: Presented) => void; readonly fail: (error: Error) => void }[] = []
  const presented = () => new Promise<Presented>((say, fail) => void open.push({ say, fail }))
  return { ...hosted({ presented }), open }
}

it.each([
  [['ack', 5], 'user ann', { is: 'ack', seq: 5 }],
  [['read', 'ben', 5], 'user ann', { is: 'read', chat: 'ben', seq: 5 }],
  [['read', '#team', 5], 'user ann', { is: 'read', chat: '#team', seq: 5 }],
  [['delete', 'ben', 2, 4], 'user ann', { is: 'delete', chat: 'ben', from: 2, upTo: 4 }],
  [['ask', 'devices'], 'user ann', { is: 'ask', what: 'devices' }],
  [['set', 's1', 'blocked', 'ben'], 'user ann', { is: 'set', ref: 's1', setting: ['blocked', 'ben', true] }],
  [['remove', 'laptop'], 'user ann', { is: 'remove', device: 'laptop' }],
  [['history', 'r1', 'ben', 0, 0, 5], 'user ann', { is: 'history', ref: 'r1', chat: 'ben', before: null, limit: 5 }],
  [['members', '#team'], 'group #team', { is: 'members', by: 'ann' }],
  [['ticks', '#team', 5], 'group #team', { is: 'ticks', at: 5, by: 'ann' }],
  [['watch', '#team'], 'group #team', { is: 'watch', by: 'ann' }],
  [['stand', 'ben', 7, 4, 0], 'user ben', { is: 'stand', at: { epoch: 7, seq: 4, life: 0 }, life: 0 }],
  [['stand', '#team', 7, 4, 3], 'group #team', { is: 'stand', at: { epoch: 7, seq: 4, life: 3 }, life: 3 }],
] as const)('%j is told to %s, with the session that it came by', async (frame, to, message) => {
  const { says, enters, told } = hosted()
  const ann = await enters('ann')
  says(ann, frame)
  expect(told.find(([address]) => address === to)).toEqual([to, { ...message, session: ann.ref }])
})

it('whoever watches a user is told to their presence, until they look away', async () => {
  const { says, enters, told } = hosted()
  const ann = await enters('ann')
  says(ann, ['watch', 'ben'])
  expect(told).toMatchObject([['presence ben', { is: 'watch', watcher: { session: ann.ref, user: 'ann' } }]])
  told.length = 0
  says(ann, ['unwatch', 'ben'])
  expect(told).toEqual([['presence ben', { is: 'unwatch', watcher: ann.ref }]])
})

it('who types to a user is told to their own presence, which knows who may see it; in a group, to the group', async () => {
  const { says, enters, told } = hosted()
  const ann = await enters('ann')
  says(ann, ['typing', 'ben', 1])
  says(ann, ['typing', '#team', 1])
  const typing = told.filter(([, message]) => 'is' in message && message.is === 'typing')
  expect(typing).toEqual([
    ['presence ann', { is: 'typing', to: 'ben', what: 1 }],
    ['group #team', { is: 'typing', by: 'ann', what: 1 }],
  ])
})

it('a presence is told when a person acts, and when they put the app away', async () => {
  const { says, enters, told, clock, pass } = hosted()
  const ann = await enters('ann')
  await pass(500)
  says(ann, ['active', true])
  says(ann, ['active', false])
  expect(told).toEqual([
    ['presence ann', { is: 'active', session: ann.ref, at: clock.monotonic() }],
    ['presence ann', { is: 'away', session: ann.ref }],
  ])
})

it('a session that ends is detached, watches nobody, and was there until then', async () => {
  const { sessions, says, enters, told, clock, pass } = hosted()
  const ann = await enters('ann')
  says(ann, ['watch', 'ben'], ['watch', '#team'])
  told.length = 0
  await pass(5_000)
  sessions.ended(ann, 1000)
  const gone = { is: 'gone', device: { session: ann.ref, activeAt: 1, away: false }, at: clock.monotonic() }
  expect(told).toEqual([
    ['user ann', { is: 'detach', session: ann.ref }],
    ['presence ben', { is: 'unwatch', watcher: ann.ref }],
    ['group #team', { is: 'unwatch', session: ann.ref }],
    ['presence ann', gone],
  ])
  sessions.ended(ann, 1000)
  expect(told).toHaveLength(4)
})

it('a client whose link died was there until its last sign of life', async () => {
  const { sessions, says, enters, told, clock, pass } = hosted()
  const ann = await enters('ann')
  await pass(5_000)
  says(ann, ['ping', 1])
  const seen = clock.monotonic()
  await pass(30_000)
  sessions.ended(ann, 1006)
  expect(told.at(-1)).toMatchObject(['presence ann', { is: 'gone', at: seen }])
})

it('nobody is told of a client that was never let in', () => {
  const { sessions, connect, told } = hosted()
  sessions.ended(connect(), 1000)
  expect(told).toEqual([])
})

it('a device is attached where the store says that its cursor stands', async () => {
  const { connect, says, told, open, turn } = standing()
  const ann = connect()
  says(ann, ['hello', 'ann', 'phone', 7, 3, false, 5])
  await turn()
  expect(told).toEqual([])
  open[0]?.say({ epoch: 7, seq: 3, term: 2 })
  await turn()
  const cursor = { epoch: 7, seq: 3, term: 2 }
  expect(told).toEqual([['user ann', { is: 'attach', session: ann.ref, device: 'phone', cursor, issuedAt: undefined }]])
})

it('where the store does not say where a cursor stands its client comes again, and nothing is attached', async () => {
  const { connect, says, told, open, turn } = standing()
  const ann = connect()
  says(ann, ['hello', 'ann', 'phone', 7, 3, false, 5])
  await turn()
  open[0]?.fail(new Error('late'))
  await turn()
  expect([ann.closed, told]).toEqual([[3005, 'unavailable'], []])
})

it('a device that has gone while the store was asked is not attached: nobody would detach it', async () => {
  const { sessions, connect, says, told, open, turn } = standing()
  const ann = connect()
  says(ann, ['hello', 'ann', 'phone', 7, 3, false, 5])
  await turn()
  sessions.ended(ann, 1000)
  told.length = 0
  open[0]?.say({ epoch: 7, seq: 3 })
  await turn()
  expect(told).toEqual([])
})

it('a device without a cursor needs no store', async () => {
  const { enters, connect, says, told, open, turn } = standing()
  await enters('ben')
  says(connect(), ['hello', 'ann', 'phone'])
  await turn()
  expect([told, open]).toMatchObject([[['user ann', { is: 'attach', cursor: null }]], []])
})

it('whether places stand may be asked again where the store does not answer', async () => {
  const { says, enters, open, told, turn } = standing()
  const ann = await enters('ann')
  says(ann, ['stand', 'ben', 7, 4, 5])
  open[0]?.fail(new Error('late'))
  await turn()
  const [frame] = ann.heard.flat() as unknown[][]
  expect([frame?.slice(0, 5), told]).toEqual([['error', 'busy', 'stand', 'ben', 500], []])
})
