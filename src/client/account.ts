/** What a user decides for all their devices. */
import type { DeviceId } from '../protocol/ids.ts'
import type { Setting } from '../protocol/settings.ts'
import type { Asker } from './asker.ts'
import type { Host } from './host.ts'
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

  async devices(): Promise<readonly DeviceInfo[]> {
    await this.#asker.ask(['ask', 'devices'])
    return this.#host.session.devices
  }

  async remove(device: string): Promise<void> {
    await this.#asker.ask(['remove', device as DeviceId])
  }
}
