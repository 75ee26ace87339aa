/** Who may not connect: all of them in memory, so that a connection costs no read. */
import type { Sessions } from '../hosts/sessions/sessions.ts'
import type { UserId } from '../protocol/ids.ts'
import type { BanStore } from '../store/contract.ts'

export class Bans {
  readonly #store: BanStore
  readonly #users: Set<UserId>
  /** How often it has changed. */
  #changes = 0

  private constructor(store: BanStore, users: readonly UserId[]) {
    this.#store = store
    this.#users = new Set(users)
  }

  static async load(store: BanStore): Promise<Bans> {
    return new Bans(store, await store.bans())
  }

  has(user: UserId): boolean {
    return this.#users.has(user)
  }

  list(): readonly UserId[] {
    return [...this.#users].sort()
  }

  /** Another node has made it so, durably. */
  heard(user: UserId, banned: boolean): void {
    this.#changes += 1
    if (banned) this.#users.add(user)
    else this.#users.delete(user)
  }

  /** As the store has it: another node may have changed it, and not been heard. */
  async reload(): Promise<void> {
    const changes = this.#changes
    const users = await this.#store.bans()
    // What became known meanwhile the store may not have had when it was asked.
    if (this.#changes !== changes) return this.reload()
    this.#users.clear()
    for (const user of users) this.#users.add(user)
  }

  /**
   * Counts once it is durable; answers whether it was otherwise before. Where that fails it may be so at the next start: it is to
   * be repeated.
   */
  async set(user: UserId, banned: boolean): Promise<boolean> {
    await this.#store.saveBan(user, banned)
    const changed = this.#users.has(user) !== banned
    this.heard(user, banned)
    return changed
  }
}

/** Reads again who is banned. Whom another node keeps out, which could not say so, is put out here. */
export async function heedBans(bans: Bans, sessions: Pick<Sessions, 'closeWhere'>): Promise<void> {
  await bans.reload()
  sessions.closeWhere(({ user }) => bans.has(user as UserId), 'banned')
}
