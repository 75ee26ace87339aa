/** A chat that stays open: how much of it is held. No sockets, no component. */
import { expect, it } from 'vitest'
import { memoryShelf, openBook, type Shelf } from '../../src/client/chats/index.ts'
import { Messages } from '../../src/react/messages.ts'
import { settle, World } from '../client/world.ts'

const message = (seq: number) =>
  ['message', seq, `id-${String(seq).padStart(4, '0')}`, 'alice', seq, `no ${seq}`] as never
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)
const texts = (from: number, to: number) => range(from, to).map((seq) => `no ${seq}`)

async function opened() {
  const world = new World()
  const shelf = memoryShelf()
  /** What the next read of the shelf waits for. */
  let gate: Promise<void> | undefined
  const read: Shelf['read'] = async (work) => {
    const open = gate
    gate = undefined
    await open
    return shelf.read(work)
  }
  const slow = () => {
    let release = () => {}
    gate = new Promise((resolve) => {
      release = resolve
    })
    return release
  }
  const { began, write, close } = shelf
  const book = await openBook(await world.online(), 'bob', { began, write, close, read })
  const messages = new Messages(book, 'alice')
  const leave = messages.subscribe(() => {})
  const shown = () => messages.now().lines.map(({ text }) => text)
  const come = async (from: number, to: number) => {
    for (const seq of range(from, to)) {
      world.link.say(message(seq))
      await settle()
    }
  }
  return { come, messages, shown, leave, slow }
}

it('holds a page more than was asked for, however many messages come, and brings the others again', async () => {
  const { come, messages, shown, leave } = await opened()
  await come(1, 120)
  expect(shown()).toEqual(texts(1, 120))
  await come(121, 121)
  expect(shown()).toEqual(texts(62, 121))
  expect(messages.now().over).toBe(false)
  await messages.more()
  expect(shown()).toEqual(texts(2, 121))
  await messages.more()
  expect(shown()).toEqual(texts(1, 121))
  // What was asked for stays, and a page more comes with it.
  await come(122, 181)
  expect(shown()).toEqual(texts(1, 181))
  await come(182, 182)
  expect(shown()).toEqual(texts(62, 182))
  leave()
})

it('shows no hole where the oldest leave while those before them are brought', async () => {
  const { come, messages, shown, leave, slow } = await opened()
  await come(1, 121)
  const release = slow()
  const more = messages.more()
  await come(122, 182)
  expect(shown()).toEqual(texts(123, 182))
  release()
  await more
  expect(shown()).toEqual(texts(63, 182))
  leave()
})
