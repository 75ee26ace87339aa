/** What is said again to a device that does not want it any more: its person has deleted it, or it has vanished. Nothing of it is shown. */
import { afterEach, expect, it } from 'vitest'
import { memoryStorage, type Storage } from '../../src/client/index.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { isQuiet } from '../../src/protocol/sealed.ts'
import { spoilt } from '../client/e2ee/spoilt.ts'
import { start } from './nodes.ts'
import { endAll, enter, reading } from './sealing.ts'

const patient = { timeout: 60_000 }
afterEach(endAll)

/** Bob, who could not read the message that Alice has sent last, and has asked her for it; she is not there. */
async function asking(chatOf: (alice: Awaited<ReturnType<typeof enter>>) => Promise<string>) {
  const asked: string[] = []
  await start({ e2ee: 'allowed', onAccepted: ({ body, to }) => void (isQuiet(body) && asked.push(to)) })
  const storages = { alice: memoryStorage(), bob: memoryStorage() }
  const before = await reading('bob', { storage: storages.bob })
  const alice = await enter('alice', { storage: storages.alice })
  const chat = await chatOf(alice)
  await alice.send(chat, 'hello')
  await expect.poll(() => before.got, patient).toEqual(['hello'])
  await before.client.close()
  const quiet = asked.length
  const { id } = await alice.send(chat, 'secret')
  await alice.close()
  let heard = 0
  const changed = (frame: ServerFrame) => {
    if (frame[0] === 'message' && isQuiet(frame[5])) heard += 1
    return frame[0] === 'message' && frame[2] === id ? spoilt(frame) : frame
  }
  const bob = await reading('bob', { storage: storages.bob, changed })
  await expect.poll(() => bob.unread, patient).toMatchObject([{ id, retrying: true }])
  await expect.poll(() => asked.length, patient).toBeGreaterThan(quiet)
  return { bob, chat, storages, heard: () => heard }
}
/** Alice is back, and says it again; then she goes on. */
async function answers(chat: string, storage: Storage, heard: () => number): Promise<void> {
  const alice = await enter('alice', { storage })
  await expect.poll(heard, patient).toBeGreaterThan(0)
  await alice.send(chat, 'the next')
}
const kinds: readonly (readonly [string, Parameters<typeof asking>[0]])[] = [
  ['a chat of two', async () => 'bob'],
  ['a group', (alice) => alice.createGroup('team', ['bob'])],
]

it.each(kinds)('what was deleted here meanwhile is not shown, in %s', async (kind, chatOf) => {
  const { bob, chat, storages, heard } = await asking(chatOf)
  await bob.client.delete(kind === 'a group' ? chat : 'alice')
  await answers(chat, storages.alice, heard)
  await expect.poll(() => bob.got, patient).toContain('the next')
  expect(bob.got).not.toContain('secret')
})

it.each(kinds)('without that it is, in %s', async (_, chatOf) => {
  const { bob, chat, storages, heard } = await asking(chatOf)
  await answers(chat, storages.alice, heard)
  await expect.poll(() => bob.got, patient).toContain('the next')
  expect(bob.got).toContain('secret')
})
