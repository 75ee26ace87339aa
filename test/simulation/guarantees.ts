/** The guarantees of DESIGN section 4, as a world must keep them. */
import { expect } from 'vitest'
import type { Message } from '../../actors/group/types.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { type Device, team } from './device.ts'
import type { World } from './world.ts'

/** Every other member who was in the group by then has what is delivered. */
export function allHave(world: World, user: UserId, delivered: number): void {
  const log = (world.stores.get(team)?.entries ?? []) as Message[]
  const joined = log.filter(({ change }) => change === 'create' || change === 'add')
  for (const { seq, from, body, change } of joined) {
    const member = (change === 'create' ? from : body) as UserId
    const due = log.filter(
      (entry) => entry.seq >= seq && entry.seq <= delivered && (entry.from !== member || entry.change),
    )
    if (member === user || due.length === 0) continue
    const devices = world.devices.filter((device) => device.user === member)
    const has = (at: number) =>
      devices.some(({ inbox }) => inbox.some((entry) => entry.is === 'message' && entry.place?.at === at))
    for (const entry of due) expect(has(entry.seq), `${member} has ${entry.seq}`).toBe(true)
  }
}

/** The guarantees of DESIGN section 4, once everything has come to rest. */
export function check(world: World): void {
  for (const device of world.devices) {
    for (const sent of device.outbox) {
      const inbox = world.stores.get(sent.to)?.entries ?? []
      expect(
        inbox.filter((entry) => entry.is === 'message' && entry.id === sent.id),
        'once',
      ).toHaveLength(1)
      expect(inbox[(sent.at?.seq ?? 0) - 1], 'where its answer says').toMatchObject({ id: sent.id })
      expect(world.marks.get(`${device.user} ${sent.to}`)?.delivered, 'delivered').toBeGreaterThanOrEqual(
        sent.at?.seq ?? 0,
      )
    }
    for (const to of new Set(device.outbox.map((sent) => sent.to))) {
      const seqs = device.outbox.filter((sent) => sent.to === to).map((sent) => sent.at?.seq ?? 0)
      expect(seqs, 'in order').toEqual([...seqs].sort((a, b) => a - b))
    }
    everyCopy(world, device)
    expect(device.inbox, 'every device has every entry').toEqual(world.stores.get(device.user)?.entries ?? [])
    expect(device.wanted.size, 'every read is confirmed').toBe(0)
  }
}

/** A member's inbox has what others wrote since they joined, each once, in the order of the group's log. */
function everyCopy(world: World, { user, inbox }: Device): void {
  const log = (world.stores.get(team)?.entries ?? []) as Message[]
  const since = log.find(
    ({ from, body, change }) => (change === 'create' ? from : change === 'add' && body) === user,
  )?.seq
  const due =
    since === undefined ? [] : log.filter(({ seq, from, change }) => seq >= since && (from !== user || change))
  const copies = inbox.flatMap((entry) => (entry.is === 'message' && entry.place ? [entry.place.at] : []))
  expect(copies, 'every copy once and in order').toEqual(due.map(({ seq }) => seq))
}
