/** What a person decides about others: who may write, who sees them, whom they know, and whom they have blocked. */
import type { Audience, Client, DeviceInfo, Settings } from '../client/index.ts'
import { setAlerts, wantsAlerts } from './alerts.ts'
import { deviceWords } from './devices.ts'
import { byId, make } from './dom.ts'
import { deleteChat, lifetimeChoice } from './lasting.ts'
import { notice } from './notice.ts'
import type { Sealing } from './sealing.ts'
import { ask, button, closesBeside, openSheet, openSheetOf, people, tried } from './sheet.ts'
import { when } from './words.ts'

const audiences: readonly (readonly [Audience, string])[] = [
  ['everyone', 'Everyone'],
  ['contacts', 'My contacts'],
  ['nobody', 'Nobody'],
]

export class Privacy {
  readonly #client: Client
  readonly #sealing: Sealing | undefined
  readonly #choices: (chat: string) => HTMLElement[]
  readonly #delete: (chat: string) => void

  /** `choices`: what else one may do about a chat; `remove` deletes it. */
  constructor(
    client: Client,
    sealing: Sealing | undefined,
    choices: (chat: string) => HTMLElement[],
    remove: (chat: string) => void,
  ) {
    this.#client = client
    this.#sealing = sealing
    this.#choices = choices
    this.#delete = remove
    closesBeside(byId<HTMLDialogElement>('info'))
    byId('settings').onclick = () => void this.show()
  }

  async show(): Promise<void> {
    const asked = await openSheetOf('Settings', this.#ask())
    if (!asked) return
    const { settings, devices, sealing } = asked
    openSheet(
      'Settings',
      this.#choice('lastSeen', 'Who can see when I was last online', settings),
      this.#choice('writers', 'Who can message me', settings),
      this.#choice('groups', 'Who can add me to groups', settings),
      this.#receipts(settings),
      alertsChoice(),
      ...people('Contacts', settings.contacts, (name) =>
        button('Remove', () => this.#done(this.#client.removeContact(name), () => this.show())),
      ),
      ...people('Blocked', settings.blocked, (name) =>
        button('Unblock', () => this.#done(this.#client.unblock(name), () => this.show())),
      ),
      make('h3', '', 'My devices'),
      make('ul', 'people', ...devices.map((device) => this.#device(device))),
      ...sealing,
    )
  }

  async #ask() {
    const [settings, devices] = await Promise.all([this.#client.settings(), this.#client.devices()])
    const sealing = (await this.#sealing?.settings(devices.map(({ device }) => device))) ?? []
    return { settings, devices, sealing }
  }

  /** What one may do about one person. */
  async person(name: string): Promise<void> {
    const settings = await openSheetOf(name, this.#client.settings())
    if (!settings) return
    const client = this.#client
    const again = () => this.person(name)
    const known = settings.contacts.some((contact) => contact === name)
    const blocked = settings.blocked.some((user) => user === name)
    const contact = known
      ? button('Remove from my contacts', () => this.#done(client.removeContact(name), again))
      : button('Add to my contacts', () => this.#done(client.addContact(name), again))
    const block = blocked
      ? button('Unblock', () => this.#done(client.unblock(name), again))
      : button('Block', () =>
          ask(
            `Block ${name}?`,
            `You will not get messages from ${name}, and ${name} will not see when you are online.`,
            'Block',
            () => this.#done(client.block(name), again),
          ),
        )
    if (!blocked) block.classList.add('danger')
    const stays = lifetimeChoice(client, name, settings.lifetimes.get(name) ?? settings.lifetime)
    const words = blocked ? [make('p', 'words', `You have blocked ${name}. Messages from them do not reach you.`)] : []
    openSheet(
      name,
      ...words,
      stays,
      ...this.#choices(name),
      contact,
      block,
      deleteChat(name, `${name} keeps their copy.`, () => this.#delete(name)),
    )
  }

  #device({ device, connected, lastSeen }: DeviceInfo): HTMLElement {
    const { connection } = this.#client
    const here = connection.is === 'online' && connection.device === device
    const name = make('span', 'name', here ? 'This browser' : deviceWords(device))
    const state = make('span', 'role', connected ? 'online' : when(lastSeen.getTime(), Date.now()))
    if (here) return make('li', '', name, state)
    const remove = button('Remove', () =>
      ask(
        `Remove ${deviceWords(device)}?`,
        'It will be signed out, and a browser deletes the chats that it keeps.',
        'Remove',
        () => this.#done(this.#remove(device), () => this.show()),
      ),
    )
    remove.setAttribute('aria-label', `Remove ${deviceWords(device)}`)
    return make('li', '', name, state, remove)
  }

  /** With its keys, where it has some. */
  #remove(device: string): Promise<void> {
    return this.#sealing ? this.#sealing.remove(device) : this.#client.removeDevice(device)
  }

  #choice(name: 'lastSeen' | 'writers' | 'groups', label: string, settings: Settings): HTMLElement {
    const select = make('select', '')
    for (const [value, text] of audiences) {
      const option = make('option', '', text)
      Object.assign(option, { value, selected: settings[name] === value })
      select.append(option)
    }
    select.onchange = () => void tried(this.#client.set({ [name]: select.value as Audience }))
    return make('label', 'setting', label, select)
  }

  #receipts(settings: Settings): HTMLElement {
    const box = make('input', '')
    Object.assign(box, { type: 'checkbox', checked: settings.receipts })
    box.onchange = () => void tried(this.#client.set({ receipts: box.checked }))
    return make('label', 'setting', 'Read receipts: show others what I have read, and see what they have', box)
  }

  async #done(work: Promise<void>, then: () => Promise<void>): Promise<void> {
    await tried(work)
    await then()
  }
}

/** Of this browser alone. */
function alertsChoice(): HTMLElement {
  const box = make('input', '')
  Object.assign(box, { type: 'checkbox', checked: wantsAlerts() })
  box.onchange = async () => {
    const on = box.checked
    box.checked = await setAlerts(on)
    if (on && !box.checked)
      notice('Notifications are blocked for this page. Allow them in the settings of your browser.')
  }
  return make('label', 'setting', 'Notify me on this browser when the page is in the background', box)
}
