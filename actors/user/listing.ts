/** What a user actor knows of its chats, while it answers which there are. */

import type { ChatId, Millis, Seq } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'

/** What the log says of a chat: its newest entry, how far it is read, and where messages stand that may be unread. */
export type KnownChat = { seq: Seq; time: Millis; lifetime: Lifetime; read: Seq; readonly messages: Seq[] }

/** By chat; one of which `seq` is 0 was read, and no more is known of it. */
export type KnownChats = Map<ChatId, KnownChat>

/** The newest message of a history, of which nothing is in the log. */
export type PastChat = Pick<KnownChat, 'seq' | 'time' | 'lifetime'> & { readonly chat: ChatId }

/** A chat as a device is told of it. `tags` as in the settings; '': none. */
export type ListedChat = Omit<KnownChat, 'messages'> & {
  readonly chat: ChatId
  readonly unread: number
  readonly tags: string
}

/** The log is being read for what is told of chats: from `next` on, up to what was the tail when that began. `stale`: it is to begin anew. */
export type Listing = {
  readonly chats: KnownChats
  next: Seq
  readonly upTo: Seq
  readonly tries: number
  stale: boolean
}
