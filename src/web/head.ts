/** The header of the open chat: who it is, and who is here or in it. */
import type { Client, Presence } from '../client/index.ts'
import { avatar, byId } from './dom.ts'
import { type Chat, isGroup, titleOf } from './model.ts'
import { presenceWords } from './words.ts'

export class Head {
  readonly #me: string
  readonly #client: Client
  readonly #named: (group: string, name: string) => void
  #chat: string | undefined
  #presence: Presence | undefined
  #members = ''
  readonly #typing = new Map<string, string>()
  #unwatch = () => {}

  /** `named` is told what a group is called. */
  constructor(me: string, client: Client, named: (group: string, name: string) => void) {
    this.#me = me
    this.#client = client
    this.#named = named
    client.on('connection', () => this.show())
    client.on('typing', ({ chat, user, doing }) => {
      if (chat !== this.#chat) return
      if (doing) this.#typing.set(user, isGroup(chat) ? `${user} is ${doing}…` : `${doing}…`)
      else this.#typing.delete(user)
      this.show()
    })
  }

  /** The chat that is open from now on; undefined: none is. */
  open(chat: Chat | undefined): void {
    this.#unwatch()
    this.#unwatch = () => {}
    this.#chat = chat?.id
    this.#presence = undefined
    this.#members = ''
    this.#typing.clear()
    if (!chat) return
    this.title(chat)
    if (isGroup(chat.id)) void this.ask()
    else
      this.#unwatch = this.#client.watch(chat.id, (presence) => {
        this.#presence = presence
        this.show()
      })
    this.show()
  }

  title(chat: Chat): void {
    if (chat.id !== this.#chat) return
    byId('name').textContent = titleOf(chat)
    byId('peer-avatar').replaceChildren(avatar(titleOf(chat)))
  }

  /** Asks who is in the open group, as after each change of it. */
  async ask(): Promise<void> {
    const id = this.#chat
    if (id === undefined || !isGroup(id)) return
    const group = await this.#client.group(id).catch((error) => ({ refused: String(error.code) }))
    if (id !== this.#chat) return
    if ('refused' in group) this.#members = group.refused === 'not_a_member' ? 'you are not in this group' : ''
    else {
      this.#members = group.members.map((member) => (member === this.#me ? 'you' : member)).join(', ')
      this.#named(id, group.name)
    }
    this.show()
  }

  /** Of somebody whose presence cannot be known at the moment nothing is said. */
  show(): void {
    const known = this.#presence !== undefined && this.#client.connection.is === 'online'
    const presence = known ? presenceWords(this.#presence as Presence, Date.now()) : ''
    const [typing] = this.#typing.values()
    const words = typing ?? (this.#members || presence)
    const element = byId('presence')
    if (element.textContent !== words) element.textContent = words
    element.classList.toggle('online', words === 'online' || typing !== undefined)
  }
}
