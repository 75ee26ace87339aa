/** The header of the open chat: who it is, and who is here or in it. */
import { type Chat, isGroup, titleOf } from '../client/chats/index.ts'
import type { Client, Presence } from '../client/index.ts'
import { avatar, byId, icon } from './dom.ts'
import { lifetimeWords, presenceWords } from './words.ts'

const timer = 'M12 7.5V13l3 2M9.5 2.5h5M12 5a8 8 0 1 0 0 16 8 8 0 0 0 0-16'

export class Head {
  readonly #me: string
  readonly #client: Client
  readonly #missing: (group: string) => void
  #chat: string | undefined
  #presence: Presence | undefined
  #members = ''
  readonly #typing = new Map<string, string>()
  #unwatch = () => {}

  /** `missing` is told of a group that does not exist. */
  constructor(me: string, client: Client, missing: (group: string) => void) {
    this.#me = me
    this.#missing = missing
    this.#client = client
    client.on('connection', () => this.show())
    client.on('typing', ({ chat, user, doing }) => {
      if (chat !== this.#chat) return
      if (doing) this.#typing.set(user, doing)
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
    outside('')
    if (!chat) return
    this.title(chat)
    // Of a group this is about who types in it.
    this.#unwatch = this.#client.watch(chat.id, (presence) => {
      this.#presence = presence
      this.show()
    })
    if (isGroup(chat.id)) void this.ask()
    this.show()
  }

  title(chat: Chat): void {
    if (chat.id !== this.#chat) return
    byId('name').textContent = titleOf(chat)
    byId('peer-avatar').replaceChildren(avatar(titleOf(chat)))
    const lasting = byId('lasting')
    // What vanishes sooner than people expect is told.
    lasting.hidden = chat.lifetime === 'default' || chat.lifetime === 'permanent'
    lasting.title = `From now on ${lifetimeWords(chat.lifetime)}`
    lasting.setAttribute('aria-label', lasting.title)
    lasting.replaceChildren(icon(timer))
  }

  /** Asks who is in the open group, as after each change of it. */
  async ask(): Promise<void> {
    const id = this.#chat
    if (id === undefined || !isGroup(id)) return
    const group = await this.#client.group(id).catch((error) => ({ refused: String(error.code) }))
    if (id !== this.#chat) return
    if ('refused' in group) {
      this.#members = ''
      if (group.refused === 'unknown_group') this.#missing(id)
      if (group.refused === 'not_a_member') outside('You can’t send messages to this group: you are not a member.')
    } else {
      this.#members = group.members.map((member) => (member === this.#me ? 'you' : member)).join(', ')
      outside('')
    }
    this.show()
  }

  /** Of somebody whose presence cannot be known at the moment nothing is said. */
  show(): void {
    const known = this.#presence !== undefined && this.#client.connection.is === 'online'
    const presence = known ? presenceWords(this.#presence as Presence, Date.now()) : ''
    const typing = this.#typingWords()
    const words = typing ?? (this.#members || presence)
    const element = byId('presence')
    if (element.textContent !== words) element.textContent = words
    element.classList.toggle('online', words === 'online' || typing !== undefined)
  }

  /** Who does something in the open chat: in a group with names. */
  #typingWords(): string | undefined {
    const [first, ...more] = this.#typing
    if (!first) return undefined
    const [who, doing] = first
    if (!isGroup(this.#chat ?? '')) return `${doing}…`
    return more.length === 0 ? `${who} is ${doing}…` : `${[...this.#typing.keys()].join(' and ')} are typing…`
  }
}

/** Says why nothing can be written, in place of the field; nothing: it can. */
function outside(words: string): void {
  byId('outside').hidden = words === ''
  byId('outside-text').textContent = words
  byId('compose').hidden = words !== ''
}
