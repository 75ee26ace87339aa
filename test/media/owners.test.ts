/** Media of an inbox that has another owner by now: what that holds is its own, whatever the former one was about to let go. */
import { beforeEach, expect, it } from 'vitest'
import type { Deletion } from '../../actors/user/pending.ts'
import { Gate, type Passage } from '../../src/cluster/gate.ts'
import { Calendar } from '../../src/hosts/calendar.ts'
import { deletion } from '../../src/hosts/logs/deletions.ts'
import { type Spell, still } from '../../src/hosts/spells.ts'
import { memoryStore, sharedMedia } from '../../src/index.ts'
import type { Bucket } from '../../src/media/buckets/bucket.ts'
import { Holds } from '../../src/media/holds.ts'
import { NodeMedia } from '../../src/media/media.ts'
import { Vanishing } from '../../src/media/vanishing.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import type { MediaId } from '../../src/protocol/media.ts'
import { systemClock as clock } from '../../src/runtime/index.ts'
import type { Store } from '../../src/store/contract.ts'
import { mediaRecords } from '../../src/store/memory/media.ts'
import { message, user } from '../contracts/store.ts'

const [alice, bob] = [user('alice'), user('bob')]
const calendar = new Calendar(clock, undefined)
const content = (name: string) => name as MediaId
const carrying = (seq: number, name: string, more: object = {}): Entry =>
  ({ ...message(seq), from: alice, media: { media: name, type: 'image/png', size: 1 }, ...more }) as Entry

let store: Store
let media: ReturnType<typeof mediaRecords>
beforeEach(async () => {
  store = memoryStore()
  await store.open()
  media = mediaRecords()
  for (const name of ['old', 'new'])
    await media.add({ id: content(name), file: name, size: 1, type: 'image/png', uploadedAt: 1, going: null })
})

/** A node that has the inbox, until it is told that it has not. */
function owner(term: number) {
  let passage: Passage = 'passes'
  const gate = new Gate(() => passage)
  const kept = new NodeMedia(
    sharedMedia({
      store: { media },
      bucket: { remove: async () => {}, put: async () => {}, read: () => [] } as unknown as Bucket,
      spool: '/nowhere',
    }),
    defaultLimits,
    clock,
  )
  const spell: Spell = { term, store, heed: (pass, over) => gate.enter(1, term, pass, over) }
  const be = (next: Passage) => {
    passage = next
    gate.open()
  }
  const holds = new Holds(kept)
  const append = (entry: Entry) => holds.append(bob, [entry], () => store.append(bob, 7, term, [entry]))
  return { be, kept, holds, spell, append }
}

const heldByBob = async (): Promise<string[]> => {
  const held: string[] = []
  for (const kind of ['chat', 'passing']) for await (const { id } of media.held(`${kind}\n${bob}\n`)) held.push(id)
  return [...new Set(held)]
}

/** The former owner stands still at `step` of what it does, and goes on when it has another owner, who has got a message meanwhile. */
async function taken(former: ReturnType<typeof owner>, entry: Entry): Promise<void> {
  // Its lease runs out first, and then it learns that it was taken for dead.
  former.be('waits')
  await owner(2).append(entry)
  setImmediate(() => former.be('never'))
}

const deleted: Deletion = {
  by: { is: 'session', session: 1 },
  chat: alice,
  from: 1,
  upTo: 1,
  end: 1,
  waits: 0,
  written: false,
}

it('of a chat that its user deletes nothing is let go that came after that owner', async () => {
  const former = owner(1)
  await former.append(carrying(1, 'old'))
  // It has found that nothing is left of the chat.
  const read: Store['read'] = async (...asked) => {
    const page = await store.read(...asked)
    if (asked[1] === 2 && page.length === 0) await taken(former, carrying(2, 'new'))
    return page
  }
  const context = { ...former.spell, store: { ...store, read }, holds: former.holds, calendar }
  const asked = deletion(context, bob, { do: 'erase', deletion: deleted })
  expect(await asked).toMatchObject({ is: 'erased', ok: false })
  expect(await heldByBob()).toContain('new')
})

it('of a user who is erased nothing is let go that came after that owner', async () => {
  const former = owner(1)
  await former.append(carrying(1, 'old'))
  const wipe = async () => {
    await store.wipe(bob)
    await taken(former, carrying(2, 'new'))
  }
  await expect(former.holds.wipe(bob, wipe, () => still(former.spell))).rejects.toMatchObject({ code: 'unavailable' })
  expect(await heldByBob()).toContain('new')
})

it('of a message that has vanished nothing is let go once its inbox has another owner', async () => {
  const former = owner(1)
  const timed = carrying(1, 'old', { lifetime: 'read 1000', time: clock.now() })
  await former.append(timed)
  const read: Store['read'] = async () => {
    await taken(former, { ...timed, seq: 1 } as Entry)
    return []
  }
  const vanishing = new Vanishing({ ...store, read }, former.kept, former.holds, () => () => still(former.spell))
  await expect(vanishing.look(clock.now() + 7_200_000)).rejects.toMatchObject({ code: 'unavailable' })
  expect(await heldByBob()).toEqual(['old'])
})

it('what it let go before, it has let go: a lease that is renewed loses nothing', async () => {
  const former = owner(1)
  await former.append(carrying(1, 'old'))
  const wipe = async () => {
    former.be('waits')
    setImmediate(() => former.be('passes'))
  }
  await former.holds.wipe(bob, wipe, () => still(former.spell)).catch(({ code }) => expect(code).toBe('ENOENT'))
  expect(await heldByBob()).toEqual([])
})
