/** The lock beside the name of the open chat, and what is said where messages wait. */
import type { Book } from '../../client/chats/index.ts'
import type { E2ee } from '../../client/e2ee/types.ts'
import { byId, icon } from '../dom.ts'
import { ask, tried } from '../sheet.ts'
import { type Held, heldWords, lockWords, type Secrecy, secrecyOf } from './secrecy.ts'

const shapes = {
  closed: 'M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3',
  open: 'M6 11h12v9H6zM8.500 11V7.500a3.500 3.500 0 0 1 6.700-1.400',
  verified: 'M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3M9.500 15.500l1.800 1.800 3.200-3.600',
}
/** Milliseconds after which it is asked again about people who had no keys. */
const againMs = 30_000

type About = { readonly me: string; readonly e2ee: E2ee; readonly book: Book; readonly isFirst: () => boolean }

export class Lock {
  readonly #about: About
  #chat: string | undefined
  #held: Held | undefined
  #known: Secrecy | undefined
  #looking = false
  #again = false

  /** `press`: shows all about the encryption of a chat. `compare`: the number of somebody for whom nothing is encrypted before that. */
  constructor(about: About, press: (chat: string, secrecy: Secrecy) => void, compare: (held: Held) => void) {
    this.#about = about
    byId('lock').onclick = () => this.#chat !== undefined && this.#known && press(this.#chat, this.#known)
    byId('held-compare').onclick = () => this.#held && compare(this.#held)
    byId('held-accept').onclick = () => this.#accept()
    for (const name of ['identity', 'place', 'group'] as const) about.e2ee.on(name, () => void this.look())
    about.book.on('lines', (lines) => {
      if (this.#known?.is !== 'sealed' && lines.some(({ chat }) => chat === this.#chat)) void this.look()
    })
    setInterval(() => this.#mayClose && void this.look(), againMs)
  }

  /** Somebody may have turned it on meanwhile, of which nobody is told. */
  get #mayClose(): boolean {
    const known = this.#known
    return known?.is === 'open' || (known?.is === 'group' && known.group.without.length > 0)
  }

  open(chat: string | undefined): void {
    this.#chat = chat
    this.#show(undefined)
    void this.look()
  }

  /** What was found of a chat that is not open any more is not shown. */
  async look(): Promise<void> {
    this.#again = this.#looking
    if (this.#looking) return
    this.#looking = true
    const { e2ee, me, isFirst } = this.#about
    do {
      this.#again = false
      const chat = this.#chat
      const found = chat === undefined ? undefined : await secrecyOf(e2ee, me, chat, isFirst).catch(() => this.#known)
      if (chat === this.#chat) this.#show(found)
      else this.#again = true
    } while (this.#again)
    this.#looking = false
  }

  #show(secrecy: Secrecy | undefined): void {
    this.#known = secrecy
    const lock = byId('lock')
    lock.hidden = secrecy === undefined
    this.#showHeld(secrecy)
    if (!secrecy) return
    const isVerified = secrecy.is === 'sealed' && secrecy.identity.verified
    lock.replaceChildren(icon(secrecy.is === 'open' ? shapes.open : isVerified ? shapes.verified : shapes.closed))
    lock.title = lockWords(secrecy)
    lock.setAttribute('aria-label', `${lock.title}: details`)
  }

  /** One after another, of several members of a group. */
  #showHeld(secrecy: Secrecy | undefined): void {
    const isGroup = secrecy?.is === 'group'
    const alone = secrecy?.is === 'held' ? { user: this.#chat ?? '', identity: secrecy.identity } : undefined
    this.#held = isGroup ? secrecy.held[0] : alone
    byId('held').hidden = this.#held === undefined
    if (!this.#held) return
    const words = heldWords(this.#held, isGroup)
    if (byId('held-text').textContent !== words) byId('held-text').textContent = words
    const { forked } = this.#held.identity
    byId('held').classList.toggle('forked', forked)
    byId('held-accept').hidden = forked
  }

  #accept(): void {
    if (!this.#held) return
    const { user, identity } = this.#held
    const words = `If you did not compare the numbers, somebody else may have taken the place of ${user}. What waits, and what you write from now on, goes to the devices that there are now.`
    ask(`Send to the new devices of ${user}?`, words, 'Send', async () => {
      await tried(this.#about.e2ee.accept(user, identity))
      await this.look()
    })
  }
}
