import type { Client, ClientEvents } from '../client/index.ts'

/** Who does something in a chat, and what. */
export type Typist = { readonly user: string; readonly doing: 'typing' | 'recording' }

/** Tells who types in a chat whenever that changes, until the answer is called. */
export function typists(client: Client, chat: string, tell: (typists: readonly Typist[]) => void): () => void {
  const now = new Map<string, Typist['doing']>()
  const heard = ({ chat: where, user, doing }: ClientEvents['typing']) => {
    if (where !== chat) return
    doing ? now.set(user, doing) : now.delete(user)
    tell([...now].map(([user, doing]) => ({ user, doing })))
  }
  const ends = [client.on('typing', heard), client.watch(chat, () => {})]
  return () => {
    for (const end of ends) end()
    tell([])
  }
}
