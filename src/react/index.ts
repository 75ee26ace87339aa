/**
 * Hooks for React, on `useSyncExternalStore`. Each takes the client or the book that it reads, or undefined while there is none;
 * what it answers stays the same object until something of it changes.
 */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { type Book, type Chat, openBook, type Shelf } from '../client/chats/index.ts'
import type { Client, ConnectionStatus, Presence } from '../client/index.ts'
import { emptyMessages, Messages, type MessagesOfChat } from './messages.ts'
import { useStore, useStream } from './store.ts'
import { type Typist, typists } from './typists.ts'

export type { MessagesOfChat } from './messages.ts'
export type { Typist } from './typists.ts'

export type Session = { readonly client: Client; readonly book: Book }

/**
 * A client and its chats, for as long as the component is there; undefined until they are open. `start` makes the client, and again
 * when the `user` is another one. An error of the shelf goes to the nearest error boundary.
 */
export function useSession(
  user: string,
  start: () => { readonly client: Client; readonly shelf?: Shelf },
): Session | undefined {
  const [session, setSession] = useState<Session>()
  const latest = useRef(start)
  latest.current = start
  useEffect(() => {
    const { client, shelf } = latest.current()
    let book: Book | undefined
    let left = false
    openBook(client, user, shelf).then(
      (opened) => {
        book = opened
        if (left) opened.close()
        else setSession({ client, book: opened })
      },
      (error) => {
        if (!left)
          setSession(() => {
            throw error
          })
      },
    )
    return () => {
      left = true
      setSession(undefined)
      book?.close()
      // Not awaited: the next client with this storage waits for it.
      void client.close().then(() => shelf?.close())
    }
  }, [user])
  return session
}

/** Whether there is a connection; if not, when the next try is, or why there will be none. */
export function useConnection(client: Client | undefined): ConnectionStatus {
  return useStream<ConnectionStatus>([client], client?.connection ?? connecting, (tell) => {
    if (!client) return nothing
    tell(client.connection)
    return client.on('connection', tell)
  })
}

/** Whether a user is online, or when they were; undefined until it is known. */
export function usePresence(client: Client | undefined, user: string): Presence | undefined {
  return useStream<Presence | undefined>([client, user], undefined, (tell) => client?.watch(user, tell) ?? nothing)
}

/** Who types or records in a chat now. Others see that this person has it open. */
export function useTyping(client: Client | undefined, chat: string): readonly Typist[] {
  return useStream([client, chat], nobody, (tell) => (client ? typists(client, chat, tell) : nothing))
}

/** The chats, that with the newest message first. */
export function useChats(book: Book | undefined): readonly Chat[] {
  return useStream([book], book?.all ?? noChats, (tell) => {
    if (!book) return nothing
    tell(book.all)
    return book.on('chats', tell)
  })
}

/** One chat: what is unread of it, its last line, its draft. */
export function useChat(book: Book | undefined, id: string): Chat | undefined {
  return useStream([book, id], book?.chat(id), (tell) => {
    if (!book) return nothing
    tell(book.chat(id))
    return book.on('chats', () => tell(book.chat(id)))
  })
}

/** The lines of a chat, oldest first: the last 60, and more of what came before at each `more()`. */
export function useMessages(book: Book | undefined, chat: string): MessagesOfChat {
  const messages = useMemo(() => (book ? new Messages(book, chat) : undefined), [book, chat])
  const { lines, over } = useStore(messages ?? emptyMessages)
  const more = useCallback(async () => messages?.more(), [messages])
  return useMemo(() => ({ lines, over, more }), [lines, over, more])
}

const nothing = () => {}
const connecting: ConnectionStatus = { is: 'connecting' }
const nobody: readonly Typist[] = []
const noChats: readonly Chat[] = []
