/** What the users of a generator do with groups: [k × size, (k + 1) × size) are one, and the first of them owns it and writes. */
import type { UserId } from '../src/protocol/ids.ts'
import { crowd } from './crowd.ts'
import { now, payload } from './stamp.ts'
import { nameOf, type User } from './user.ts'

type Form = { readonly size: number }
type Burst = { readonly size: number; readonly each: number; readonly bodyBytes: number }

/** Changes of a group that its owner has under way; the rest wait, as one may decide on the next. */
const formInFlight = 8

export const groupOf = (prefix: string, owner: number): UserId => `#${nameOf(prefix, owner)}` as UserId

export const ownersOf = (users: readonly User[], size: number): User[] =>
  users.filter(({ index }) => index % size === 0)

/** The owners make their groups; done when all changes are durable in the groups' logs. */
export async function form({ size }: Form, progress: (done: number) => void): Promise<void> {
  let done = 0
  const grown = () => {
    done += 1
    if (done % 100 === 0) progress(done)
  }
  await Promise.all(ownersOf(crowd.users, size).map((owner) => formOne(owner, size, grown)))
}

function formOne(owner: User, size: number, grown: () => void): Promise<void> {
  const group = groupOf(crowd.prefix, owner.index)
  let asked = 0
  let done = 0
  return new Promise((resolve, reject) => {
    crowd.counts.failed = (reason) => reject(new Error(reason))
    const more = () => {
      while (asked < size && asked - done < formInFlight) {
        if (asked === 0) owner.change(group, 'create', 'bench')
        else owner.change(group, 'add', nameOf(crowd.prefix, owner.index + asked))
        asked += 1
      }
    }
    owner.accepted = () => {
      done += 1
      grown()
      if (done === size) resolve()
    }
    owner.turn = more
    more()
  })
}

/** Each owner sends so many messages at once; done when they are on their way. */
export function burst({ size, each, bodyBytes }: Burst): void {
  const body = payload(bodyBytes)
  const at = now()
  for (const owner of ownersOf(crowd.users, size)) {
    for (let n = 0; n < each; n++) owner.send(groupOf(crowd.prefix, owner.index), body, at)
    owner.flush()
  }
}
