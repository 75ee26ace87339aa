/** What operators do with the sessions of a user, on whatever nodes those are. */
import type { LinkFrame } from '../cluster/link/batch.ts'
import type { Link } from '../cluster/link/link.ts'
import type { Links } from '../cluster/link/links.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import type { UserId } from '../protocol/ids.ts'
import type { ClusterStore } from '../store/contract.ts'
import { kinds } from './frames.ts'

type Context = {
  readonly own: Sessions
  readonly life: number
  readonly store: Pick<ClusterStore, 'members'>
  readonly links: Pick<Links, 'open' | 'to'>
  /** Asks another node; resolves with a symbol where it does not answer in time. */
  readonly question: (link: Link, frameOf: (n: number) => LinkFrame) => Promise<unknown> | undefined
}

export class Everywhere {
  readonly #context: Context

  constructor(context: Context) {
    this.#context = context
  }

  users(): readonly UserId[] {
    return this.#context.own.users()
  }

  async disconnect(...[user, device, code]: Parameters<Sessions['disconnect']>): Promise<number> {
    const far = await this.#askAll<number>((n) => [kinds.disconnect, n, user, device ?? null, code])
    return far.reduce((sum, count) => sum + count, this.#context.own.disconnect(user, device, code))
  }

  async devicesOf(user: UserId): Promise<ReturnType<Sessions['devicesOf']>> {
    const far = await this.#askAll<ReturnType<Sessions['devicesOf']>>((n) => [kinds.devices, n, user])
    return [...this.#context.own.devicesOf(user), ...far.flat()]
  }

  /** Resolves with whether all who are in know it. A node that comes later reads it from the store. */
  async tellBan(user: UserId, banned: boolean): Promise<boolean> {
    const { store, life, links, question } = this.#context
    const others = (await store.members()).rows.filter((row) => row.life !== life)
    const answers = others.map((row) => {
      const link = links.to(row.life)
      return link && question(link, (n) => [kinds.ban, user, banned, n])
    })
    return (await Promise.all(answers)).every((answer) => answer === true)
  }

  /** What the other nodes answer, without those that do not in time. */
  async #askAll<Answer>(frameOf: (n: number) => LinkFrame): Promise<readonly Answer[]> {
    const asked = this.#context.links.open.map((link) => this.#context.question(link, frameOf))
    return (await Promise.all(asked)).filter(
      (answer) => typeof answer === 'number' || Array.isArray(answer),
    ) as Answer[]
  }
}
