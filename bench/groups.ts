/** What the users of a generator do with groups: [k × size, (k + 1) × size) are one, and the first of them owns it and writes. */
import type { GroupId, UserId } from '../src/protocol/ids.ts'
import { crowd } from './crowd.ts'
import { now, payload } from './stamp.ts'
import { nameOf, type User } from './user.ts'

type Form = { readonly size: number }
type Burst = { readonly size: number; readonly each: number; readonly bodyBytes: number }

/** Changes that make a group: its owner is told of all, the others of the last. */
export const changesOf = 2

export const groupOf = (prefix: string, owner: number): GroupId => `#${nameOf(prefix, owner)}` as GroupId

export const ownersOf = (users: readonly User[], size: number): User[] =>
  users.filter(({ index }) => index % size === 0)

/** The owners make their groups, and add all others at once; done when that is durable in the groups' logs. */
export async function form({ size }: Form, progress: (done: number) => void): Promise<void> {
  let done = 0
  const formed = () => {
    done += 1
    if (done % 100 === 0) progress(done)
  }
  await Promise.all(ownersOf(crowd.users, size).map((owner) => formOne(owner, size).then(formed)))
}

function formOne(owner: User, size: number): Promise<void> {
  const group = groupOf(crowd.prefix, owner.index)
  const others = Array.from({ length: size - 1 }, (_, n) => nameOf(crowd.prefix, owner.index + n + 1))
  return new Promise((resolve, reject) => {
    crowd.counts.failed = (reason) => reject(new Error(reason))
    let left = changesOf
    owner.accepted = () => {
      left -= 1
      if (left === 0) resolve()
    }
    owner.change(group, 'create', 'bench')
    owner.change(group, 'add', others.join('\n'))
  })
}

/** Each owner sends so many messages at once, and then one to a friend; done when they are on their way. */
export function burst({ size, each, bodyBytes }: Burst): void {
  const body = payload(bodyBytes)
  const at = now()
  for (const owner of ownersOf(crowd.users, size)) {
    for (let n = 0; n < each; n++) owner.send(groupOf(crowd.prefix, owner.index), body, at)
    owner.flush()
    owner.aside(`${crowd.prefix}friend` as UserId, body)
  }
}
