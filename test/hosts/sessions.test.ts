/** Who is connected, what their WebSocket messages may be, and how sessions end. */
import { expect, it } from 'vitest'
import { openSettings } from '../../actors/settings.ts'
import { completeLimits } from '../../src/protocol/limits.ts'
import { msgpackCodec } from '../../src/protocol/msgpack.ts'
import { user } from './byhand.ts'
import { hosted } from './clients.ts'

it('who says hello is welcomed with their name, where they were, and the limits that they are to keep', async () => {
  const { connect, says, welcome, turn, clock } = hosted()
  const client = connect()
  says(client, ['hello', 'ann', 'phone', 7, 3])
  await turn()
  expect(client.heard).toEqual([])
  welcome(client, 3)
  await turn()
  const limits = expect.objectContaining({ framesPerSecond: 10, sendsInFlight: 3, watches: 2, heartbeatMs: 30_000 })
  expect(client.heard).toEqual([[['welcome', 'ann', 'phone', 7, 3, 9, true, clock.now(), limits]]])
})

it('who is welcomed hears why their cursor does not count, and the life of a store that keeps those', async () => {
  const told = async (life: number) => {
    const { sessions, connect, says, turn } = hosted({ life })
    const client = connect()
    says(client, ['hello', 'ann', 'phone', 7, 3])
    await turn()
    const place = { epoch: 8, seq: 0, tail: 9, siblings: false, settings: openSettings }
    sessions.welcome({ do: 'welcome', session: client.ref, why: 'epoch' as never, ...place })
    await turn()
    const [frame] = client.heard.flat() as unknown[][]
    return [frame?.[6], ...(frame ?? []).slice(9)]
  }
  expect(await told(0)).toEqual([false, 'epoch'])
  expect(await told(5)).toEqual([false, 'epoch', 5])
})

it('who says no hello in time is closed, and nobody else is', async () => {
  const { connect, enters, pass } = hosted()
  const [silent, ann] = [connect(), await enters('ann')]
  await pass(9_000)
  expect(silent.closed).toBe(null)
  await pass(2_000)
  expect([silent.closed, ann.closed]).toEqual([[3003, 'hello_late'], null])
})

it('a msgpack client that pings is answered at once, after what waits for it, and not when it floods', async () => {
  const { sessions, enters, turn } = hosted()
  const ann = await enters('ann')
  const ping = (n: number) => sessions.incoming(ann, msgpackCodec.encode([['ping', n]]))
  ping(1)
  expect(ann.heard.splice(0)).toEqual([[['pong', 1]]])
  sessions.push(ann.ref, ['live', 5])
  ping(2)
  expect(ann.heard).toEqual([])
  await turn()
  expect(ann.heard.splice(0)).toEqual([
    [
      ['live', 5],
      ['pong', 2],
    ],
  ])
  for (let n = 0; n < 60; n++) ping(n)
  expect(ann.closed).toEqual([3007, 'flooding'])
  expect(ann.heard.length).toBeLessThan(60)
})

it('who floods with acks is closed, before the hello and while it is checked', async () => {
  const { connect, says } = hosted({ enter: () => new Promise(() => {}) })
  const acks = Array.from({ length: 31 }, (_, n) => ['ack', n])
  for (const first of [[], [['hello', 'ann', 'phone']]]) {
    const client = connect()
    says(client, ...first, ...acks.slice(0, 30 - first.length))
    expect(client.closed).toBe(null)
    says(client, ...acks)
    expect(client.closed).toEqual([3007, 'flooding'])
  }
})

it('acks of somebody who is in cost nothing while they say something new; too many that do not end the session', async () => {
  const { sessions, says, enters } = hosted()
  const ann = await enters('ann')
  for (let n = 1; n <= 100; n++) says(ann, ['ack', n])
  expect(ann.closed).toBe(null)
  for (let n = 0; n < 40; n++) sessions.wasted(ann.ref)
  expect(ann.closed).toEqual([3007, 'flooding'])
})

it.each([
  ['is larger than allowed', `["ping",${'1'.repeat(1_100)}]`, 'frame_too_large'],
  ['is larger than allowed in bytes, though not in letters', `["ping","${'ä'.repeat(600)}"]`, 'frame_too_large'],
  ['is no JSON', '["ping",', 'bad_encoding'],
  ['is bytes where text is spoken', new Uint8Array([1]), 'bad_encoding'],
])('a WebSocket message that %s ends its session, and no other', async (_, data, code) => {
  const { sessions, enters } = hosted({ limits: { ...completeLimits(), frameBytes: 1_024 } })
  const [ann, ben] = [await enters('ann'), await enters('ben')]
  sessions.incoming(ann, data)
  expect([ann.closed?.[1], ben.closed]).toEqual([code, null])
})

it('frames behind one that ends the session are not looked at', async () => {
  const { says, enters, told } = hosted()
  const ann = await enters('ann')
  says(ann, ...Array.from({ length: 31 }, () => ['nonsense']), ['ack', 5])
  expect([ann.closed?.[1], told]).toEqual(['flooding', []])
})

it('a frame that is wrong is answered, and those beside it count', async () => {
  const { says, enters, told } = hosted()
  const ann = await enters('ann')
  says(ann, ['ack', -1], ['nonsense'], ['ack', 5])
  const errors = ann.heard.flat().map((frame) => (frame as unknown[]).slice(0, 3))
  expect(errors).toEqual([
    ['error', 'bad_frame', 'ack'],
    ['error', 'unknown_kind', ''],
  ])
  expect(told).toEqual([['user ann', { is: 'ack', session: ann.ref, seq: 5 }]])
})

it("a user's sessions are ended, or only that of a device; it is told how many were, and nobody else's are", async () => {
  const { sessions, enters } = hosted()
  const [phone, laptop, ben] = [await enters('ann', 'phone'), await enters('ann', 'laptop'), await enters('ben')]
  expect(sessions.disconnect(user('ann'), 'laptop' as never, 'disconnected')).toBe(1)
  expect([phone.closed, laptop.closed]).toEqual([null, [3009, 'disconnected']])
  expect(sessions.disconnect(user('ann'), undefined, 'banned')).toBe(1)
  expect([phone.closed, ben.closed]).toEqual([[3507, 'banned'], null])
  expect(sessions.disconnect(user('ann'), undefined, 'banned')).toBe(0)
})

it('what an actor has for a session that has gone reaches nobody, also where others came after it', async () => {
  const { sessions, welcome, enters, turn } = hosted()
  const ann = await enters('ann')
  sessions.ended(ann, 1000)
  const ben = await enters('ben')
  sessions.push(ann.ref, ['pong', 1])
  sessions.hint(ann.ref, ['pong', 1])
  sessions.close(ann.ref, 'resync')
  sessions.settings(ann.ref, openSettings)
  welcome(ann)
  await turn()
  expect([ann.heard, ben.heard, ann.closed, ben.closed]).toEqual([[], [], null, null])
  expect(sessions.users()).toEqual(['ben'])
})

it('the devices of a user whose actor starts anew are attached again, one that waits for its welcome from where it said', async () => {
  const { sessions, connect, says, enters, told, turn } = hosted()
  const [ann, ben] = [await enters('ann'), await enters('ben')]
  const waits = connect()
  says(waits, ['hello', 'ann', 'laptop', 7, 3])
  await turn()
  told.length = 0
  sessions.reattach(user('ann'))
  const attach = { is: 'attach', issuedAt: undefined }
  expect(told).toEqual([
    ['user ann', { ...attach, session: ann.ref, device: 'phone', cursor: null, welcomed: true }],
    ['user ann', { ...attach, session: waits.ref, device: 'laptop', cursor: { epoch: 7, seq: 3, life: 0, seen: 0 } }],
  ])
  expect(ben.closed).toBe(null)
})

it('a node that stops tells everybody to come back', async () => {
  const { sessions, connect, enters } = hosted()
  const clients = [await enters('ann'), await enters('ben'), connect()]
  sessions.closeAll('going_away')
  expect(clients.map(({ closed }) => closed?.[0])).toEqual([3000, 3000, 3000])
})

it('whoever is in counts as connected, with each device, and nobody who only knocks does', async () => {
  const { sessions, connect, enters } = hosted()
  await enters('ann', 'phone')
  const laptop = await enters('ann', 'laptop')
  connect()
  expect([sessions.size, sessions.users()]).toEqual([3, ['ann', 'ann']])
  expect(sessions.presences([laptop.ref, 999])).toEqual([{ session: laptop.ref, activeAt: 1, away: false }])
})

it('what is known of a device is to be saved until it is, and again when its person does something; a ping is nothing', async () => {
  const { sessions, says, enters, pass } = hosted()
  const [ann, ben] = [await enters('ann'), await enters('ben')]
  const stirring = () => [...sessions.stirring()].map(([name, { session, activeAt }]) => [name, session, activeAt])
  expect(stirring()).toEqual([
    ['ann', ann.ref, 1],
    ['ben', ben.ref, 1],
  ])
  for (const { ref } of [ann, ben]) sessions.settled(ref)
  await pass(1_000)
  for (const one of [ann, ben]) says(one, ['ping', 1])
  sessions.incoming(ann, '["watch","cat"]')
  expect(stirring()).toEqual([])
  says(ben, ['active', true])
  says(ann, ['active', false])
  expect(stirring()).toEqual([['ben', ben.ref, 1_001]])
  sessions.reattach(user('ann'))
  expect(stirring()).toEqual([
    ['ann', ann.ref, 1],
    ['ben', ben.ref, 1_001],
  ])
  for (const one of [ann, ben]) sessions.ended(one, 1000)
  expect(stirring()).toEqual([])
})

it('a socket that closes while it is sent something tells the actors of its user so, and the others get theirs', async () => {
  const { sessions, enters, told, turn } = hosted()
  const [ann, ben] = [await enters('ann'), await enters('ben')]
  ann.reads = false
  // As uWebSockets.js does: within the call that ends the socket.
  ann.end = (code) => sessions.ended(ann, code)
  for (const { ref } of [ann, ben]) sessions.push(ref, ['live', 5])
  await turn()
  expect(told).toContainEqual(['user ann', { is: 'detach', session: ann.ref }])
  expect([sessions.size, ben.heard]).toEqual([1, [[['live', 5]]]])
})
