/** The hooks of bluetick/react in React itself, with and without StrictMode, and a node. */
import { createElement, type ReactElement, StrictMode } from 'react'
import { create, type ReactTestRenderer } from 'react-test-renderer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryShelf } from '../../src/client/chats/index.ts'
import { connect, memoryStorage } from '../../src/client/index.ts'
import { type BluetickNode, createNode, memoryStore } from '../../src/index.ts'
import {
  useChat,
  useChats,
  useConnection,
  useMessages,
  usePresence,
  useSession,
  useTyping,
} from '../../src/react/index.ts'

let node: BluetickNode
let url: string
let root: ReactTestRenderer | undefined
beforeEach(async () => {
  node = createNode({ store: memoryStore() })
  url = (await node.listen({ port: 0 })).url
})
afterEach(async () => {
  root?.unmount()
  root = undefined
  await node.close()
})

const enter = (token: string, device = 'phone') => connect({ url, token, device, storage: memoryStorage() })
const wrappers = [
  ['alone', (children: ReactElement) => children],
  ['in StrictMode', (children: ReactElement) => createElement(StrictMode, null, children)],
] as const

/** What the component rendered last. */
async function render<T>(wrap: (children: ReactElement) => ReactElement, useIt: () => T): Promise<() => T> {
  let last: T | undefined
  const Probe = () => {
    last = useIt()
    return null
  }
  root = create(wrap(createElement(Probe)))
  await expect.poll(() => last).toBeDefined()
  return () => last as T
}
const becomes = (read: () => unknown, expected: unknown) => expect.poll(read).toEqual(expected)

describe.each(wrappers)('%s', (_, wrap) => {
  it('a session shows its connection, its chats and their messages, and ends with the component', async () => {
    const [storage, shelf] = [memoryStorage(), memoryShelf()]
    let started = 0
    const start = () => {
      started += 1
      return { client: connect({ url, token: 'alice', device: 'phone', storage }), shelf }
    }
    const now = await render(wrap, () => {
      const session = useSession('alice', start)
      const { lines, over, more } = useMessages(session?.book, 'bob')
      const connection = useConnection(session?.client)
      const [first] = useChats(session?.book)
      const chat = useChat(session?.book, 'bob')
      return { session, connection, first, chat, over, more, texts: lines.map(({ text }) => text) }
    })
    await becomes(() => now().connection.is, 'online')
    const bob = enter('bob')
    await bob.send('alice', 'Lunch?')
    await bob.send('alice', 'At one')
    await becomes(() => now().texts, ['Lunch?', 'At one'])
    expect(now()).toMatchObject({ first: { id: 'bob', unread: 2 }, chat: { unread: 2 }, over: false })
    await now().session?.book.read('bob')
    await becomes(() => now().chat?.unread, 0)
    void now().session?.client.send('bob', 'Yes')
    await becomes(() => now().texts, ['Lunch?', 'At one', 'Yes'])
    await now().more()
    await becomes(() => now().over, true)
    expect(now().texts).toEqual(['Lunch?', 'At one', 'Yes'])
    const client = now().session?.client
    root?.unmount()
    await expect.poll(() => client?.connection).toMatchObject({ is: 'closed', code: 'closed' })
    expect(started).toBe(wrap === wrappers[0][1] ? 1 : 2)
    await bob.close()
  })

  it('presence and typing come while somebody looks', async () => {
    const [alice, bob] = [enter('alice'), enter('bob')]
    const now = await render(wrap, () => ({ presence: usePresence(alice, 'bob'), typing: useTyping(alice, 'bob') }))
    await becomes(() => now().presence, { online: true })
    await becomes(() => {
      bob.typing('alice')
      return now().typing
    }, [{ user: 'bob', doing: 'typing' }])
    bob.typing('alice', null)
    await becomes(() => now().typing, [])
    await bob.close()
    await becomes(() => now().presence?.online, false)
    await alice.close()
  })

  it('a chat shows its last 60 lines, more of them when asked, and what is deleted no longer', async () => {
    const alice = enter('alice')
    const shelf = memoryShelf()
    const bob = enter('bob')
    for (let n = 0; n < 100; n++) await bob.queue('alice', `m${n}`)
    const now = await render(wrap, () => {
      const session = useSession('alice', start)
      const messages = useMessages(session?.book, 'bob')
      return { session, ...messages, chats: useChats(session?.book) }
    })
    function start() {
      return { client: enter('alice', 'tablet'), shelf }
    }
    await becomes(() => now().chats[0]?.size, 100)
    const texts = () => now().lines.map(({ text }) => text)
    expect(texts().at(-1)).toBe('m99')
    await now().more()
    await becomes(() => texts().length, 100)
    expect(texts()[0]).toBe('m0')
    const [line] = now().lines
    if (line) await now().session?.book.delete(line)
    await becomes(() => texts()[0], 'm1')
    await now().session?.book.delete('bob')
    await becomes(texts, [])
    await Promise.all([alice.close(), bob.close()])
  })
})

it('without a client or a book there is nothing, and no error', async () => {
  const now = await render(
    (children) => children,
    () => ({
      connection: useConnection(undefined),
      presence: usePresence(undefined, 'bob'),
      typing: useTyping(undefined, 'bob'),
      chats: useChats(undefined),
      chat: useChat(undefined, 'bob'),
      messages: useMessages(undefined, 'bob').lines,
    }),
  )
  const nothing = { connection: { is: 'connecting' }, presence: undefined, typing: [], chats: [], messages: [] }
  expect(now()).toEqual({ ...nothing, chat: undefined })
})
