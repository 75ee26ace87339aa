/** Says of the open chat that its person is blocked: who does not know wonders why nothing comes. */
import type { Client } from '../client/index.ts'
import { byId } from './dom.ts'
import { tried } from './sheet.ts'

export class Blocked {
  #users: readonly string[] = []
  #chat = ''

  constructor(client: Client) {
    client.on('settings', ({ blocked }) => {
      this.#users = blocked
      this.open(this.#chat)
    })
    byId('unblock').onclick = () => void tried(client.unblock(this.#chat))
  }

  open(chat: string): void {
    this.#chat = chat
    byId('blocked').hidden = !this.#users.includes(chat)
    byId('blocked-text').textContent = `You have blocked ${chat}.`
  }
}
