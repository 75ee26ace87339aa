/** Bodies for groups: what is sent, what is kept, what each device gets; and bytes that nobody wrote. */
import { expect, it } from 'vitest'
import type { DeviceId, UserId } from '../../../src/protocol/ids.ts'
import { groupBody, groupIn, keptIn, postedBody, sealedMembers } from '../../../src/protocol/keys/group.ts'
import { toldIn, toldTo } from '../../../src/protocol/keys/parts.ts'
import { isQuiet, isSealed, isSealedChange, valueIn, withValue } from '../../../src/protocol/sealed.ts'
import { generator } from '../../client/e2ee/random.ts'

const [from, phone] = ['laptop' as DeviceId, 'phone' as DeviceId]
const part = (n: number) => ({ device: phone, type: 2, bytes: Uint8Array.of(n, n) })
const shared = Uint8Array.of(9, 9, 9)
const member = (name: string, n: number) => ({ user: name as UserId, n, parts: [part(n)] })
const sent = { mine: 3, own: [part(7)], shared, members: [member('bob', 1), member('carol', 2)] }

it('is taken apart by member, and by device', () => {
  const body = groupBody(sent)
  expect(groupIn(body, 128)).toEqual({ ...sent, quiet: false })
  const kept = keptIn(postedBody({ from, shared, members: sent.members }))
  expect(toldIn(toldTo(kept('bob' as UserId), phone))).toEqual({
    from,
    part: { type: 2, bytes: part(1).bytes },
    shared,
  })
  // Who was given nothing is given nothing.
  for (const [user, device] of [
    ['mallory', phone],
    ['bob', 'other' as DeviceId],
  ] as const)
    expect(toldIn(toldTo(kept(user as UserId), device))).toEqual({ from, part: undefined })
  expect(String(kept('mallory' as UserId))).not.toContain(String(shared))
})

it('says the value of a change to the node, which may say another', () => {
  const body = groupBody({ ...sent, value: 'bob\ncarol' })
  expect([isSealed(body), isSealedChange(body), isQuiet(body), valueIn(body)]).toEqual([
    true,
    true,
    false,
    'bob\ncarol',
  ])
  const other = withValue(body, 'dave')
  expect(valueIn(other)).toBe('dave')
  expect(groupIn(other as Uint8Array, 128)).toEqual({ ...sent, value: 'dave' })
  expect([valueIn('text'), withValue('text', 'dave')]).toEqual(['text', 'dave'])
})

it('is of no more members than so many, and of each once', () => {
  const many = (count: number) => Array.from({ length: count }, (_, n) => member(`user ${n}`, n))
  expect(groupIn(groupBody({ ...sent, members: many(sealedMembers) }), 128)?.members).toHaveLength(sealedMembers)
  expect(groupIn(groupBody({ ...sent, members: many(sealedMembers + 1) }), 128)).toBeUndefined()
  expect(groupIn(groupBody({ ...sent, members: [member('bob', 1), member('bob', 1)] }), 128)).toBeUndefined()
})

it('throws at nothing, 30,000 times', () => {
  const random = generator(2)
  const bodies = [
    groupBody(sent),
    groupBody({ ...sent, value: 'x' }),
    postedBody({ from, shared, members: sent.members, value: 'y' }),
  ]
  for (let n = 0; n < 30_000; n++) {
    const body = (bodies[random(3)] as Uint8Array).slice()
    for (let times = random(3); times >= 0; times--) body[random(body.length)] = random(256)
    const some = body.slice(0, random(2) ? body.length : random(body.length))
    groupIn(some, 128)
    valueIn(some)
    withValue(some, 'other')
    toldIn(toldTo(keptIn(some)('bob' as UserId), phone))
  }
})
