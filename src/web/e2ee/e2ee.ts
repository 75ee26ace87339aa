/** End-to-end encryption on the page: loaded where the node offers it (sealing.ts). */
import type { Book } from '../../client/chats/index.ts'
import { e2ee } from '../../client/e2ee/whole.ts'
import type { Client } from '../../client/index.ts'
import { lockedStorage } from '../../client/locked.ts'
import { deviceWords } from '../devices.ts'
import { make } from '../dom.ts'
import { notice } from '../notice.ts'
import type { Offer } from '../offer.ts'
import type { Sealing } from '../sealing.ts'
import { ask, button, tried } from '../sheet.ts'
import { givenNothing, notSealedWords, plainGroupWords } from './group.ts'
import { keyOf } from './key.ts'
import { Linking } from './linking.ts'
import { Lock } from './lock.ts'
import { showEncryption, showPerson } from './person.ts'
import { Strip } from './strip.ts'

export function sealing({ realm, required }: Offer): Sealing {
  let isFirst = false
  // Whether these are the first keys the server says, which may lie: the person is asked (strip.ts).
  const first = () => {
    isFirst = true
    return false
  }
  const late = () => {
    isFirst = false
  }
  return new PageSealing(e2ee({ realm, plaintext: 'keyless', first }), required, () => isFirst, late)
}

class PageSealing implements Sealing {
  readonly e2ee: Sealing['e2ee']
  readonly #required: boolean
  readonly #isFirst: () => boolean
  readonly #linking: Linking
  #lock: Lock | undefined
  #strip: Strip | undefined
  #client: Client | undefined
  #me = ''

  constructor(keys: Sealing['e2ee'], required: boolean, isFirst: () => boolean, late: () => void) {
    this.e2ee = keys
    this.#required = required
    this.#isFirst = isFirst
    this.#linking = new Linking(keys, () => {
      late()
      this.#strip?.show()
      void this.#lock?.look()
      notice('You have turned on encryption in another browser. Link this one.')
    })
  }

  locked: Sealing['locked'] = async (storage, name) => {
    const key = await keyOf(name)
    return key ? lockedStorage(storage, key) : storage
  }

  begin(me: string, client: Client, book: Book, settings: () => void): void {
    this.#me = me
    this.#client = client
    const [e2ee, required, isFirst, linking] = [this.e2ee, this.#required, this.#isFirst, this.#linking]
    const acts = {
      e2ee,
      required,
      isFirst,
      turnOn: () => linking.turnOn(),
      link: () => linking.link(),
      devices: settings,
      plainGroup: async (group: string) => plainGroupWords(e2ee, (await client.group(group)).members),
    }
    const shown = { ...acts, changed: () => void this.#lock?.look() }
    this.#lock = new Lock(
      { me, e2ee, book, isFirst },
      (chat, secrecy) => showEncryption(chat, secrecy, shown),
      ({ user, identity }) => showPerson(user, identity, shown),
    )
    this.#strip = new Strip(me, e2ee, acts)
  }

  open(chat: string | undefined): void {
    this.#lock?.open(chat)
  }

  notSealedWords(others: readonly string[]): Promise<string> {
    return notSealedWords(this.e2ee, others, this.#isFirst)
  }

  givenNothing(group: string): Promise<readonly string[]> {
    return givenNothing(this.e2ee, group)
  }

  /** Of those that the server lists as devices, its own list says more. */
  async settings(listed: readonly string[]): Promise<HTMLElement[]> {
    const title = make('h3', '', 'Encryption')
    const place = await this.e2ee.place()
    if (place === 'refused') return []
    if (place !== 'linked') {
      const words = this.#isFirst() ? 'Encryption is off.' : 'This browser is not linked.'
      return [title, make('p', 'words', words), this.#isFirst() ? this.#linking.turnOn() : this.#linking.link()]
    }
    const { devices } = await this.e2ee.identity(this.#me)
    const count = devices.length === 1 ? 'One device, this browser, has' : `${devices.length} devices have`
    return [
      title,
      make('p', 'words', `${count} your keys, and can read what is sent to you.`),
      make('ul', 'people', ...devices.filter((device) => !listed.includes(device)).map((device) => this.#gone(device))),
      this.#linking.approve(),
    ]
  }

  async remove(device: string): Promise<void> {
    if ((await this.#linked()).includes(device)) return this.e2ee.remove(device)
    return this.#client?.removeDevice(device)
  }

  async leavingWords(): Promise<string> {
    return (await this.#linked()).length === 1
      ? ' This is the only device with your keys: when you sign in again, everybody you write to is told that your security number has changed.'
      : ''
  }

  async leave(): Promise<void> {
    const { connection } = this.#client ?? {}
    const linked = await this.#linked()
    // The last stays, as a user who has had keys is never without.
    if (connection?.is === 'online' && linked.length > 1 && linked.includes(connection.device))
      await this.e2ee.remove(connection.device)
  }

  async #linked(): Promise<readonly string[]> {
    if (this.#client?.connection.is !== 'online' || (await this.e2ee.place()) !== 'linked') return []
    return (await this.e2ee.identity(this.#me).catch(() => undefined))?.devices ?? []
  }

  /** It has keys, and is none of this person's devices any more. */
  #gone(device: string): HTMLElement {
    const name = deviceWords(device)
    const remove = button('Remove', () =>
      ask(`Remove ${name}?`, 'Nothing is encrypted for it any more.', 'Remove', () => tried(this.e2ee.remove(device))),
    )
    remove.setAttribute('aria-label', `Remove the keys of ${name}`)
    return make('li', '', make('span', 'name', name), make('span', 'role', 'signed out'), remove)
  }
}
