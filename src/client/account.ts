/** What a user decides for all their devices. */
import type { DeviceId, UserId } from '../protocol/ids.ts'
import type { Setting } from '../protocol/settings.ts'
import type { Asker } from './asker.ts'
import type { Host } from './host.ts'
import type { Of } from './session/frames.ts'
import type { DeviceInfo, Settings } from './types.ts'
import { uuidv7 } from './uuid.ts'

export class Account {
  readonly #host: Host
  readonly #asker: Asker

  constructor(host: Host, asker: Asker) {
    this.#host = host
    this.#asker = asker
  }

  async settings(): Promise<Settings> {
    await this.#host.ready()
    const { session } = this.#host
    if (!session.settings) {
      this.#host.hear({ is: 'follow' })
      await this.#asker.wait(['ask', 'settings'])
    }
    return session.settings as Settings
  }

  async set(changes: readonly Setting[]): Promise<void> {
    await Promise.all(changes.map((change) => this.#asker.ask(['set', uuidv7(), ...change])))
  }

  /** One that is undefined is not given. */
  tag(chat: string, tags: { readonly [word: string]: unknown }): Promise<void> {
    const given = Object.entries(tags).filter(([, value]) => value !== undefined)
    return this.set(given.map(([word, value]) => ['tags', chat as UserId, `${word}=${value ?? ''}`]))
  }

  async devices(): Promise<readonly DeviceInfo[]> {
    const listed = await this.#asker.ask(['ask', 'devices'])
    return listed.map((frame) => {
      const [, device, connected, lastSeen] = frame as Of<'device'>
      return { device, connected, lastSeen: new Date(lastSeen) }
    })
  }

  async remove(device: string): Promise<void> {
    await this.#asker.ask(['remove', device as DeviceId])
  }
}
