/** What operators ask of sessions, and do with those of a user, on whatever nodes they are. */
import type { LinkFrame } from '../cluster/link/batch.ts'
import type { Link } from '../cluster/link/link.ts'
import type { Links } from '../cluster/link/links.ts'
import { type Online, type OnlinePage, onlineTogether } from '../hosts/sessions/online.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import type { UserId } from '../protocol/ids.ts'
import type { ClusterStore, MemberRow } from '../store/contract.ts'
import { kinds } from './frames.ts'

type Context = {
  readonly own: Sessions
  readonly name: string
  readonly life: number
  /** Users whose actors are here, and who are connected. */
  readonly online: (page: OnlinePage) => Online
  /** The other nodes, as far as is known. */
  readonly others: () => readonly MemberRow[]
  readonly store: Pick<ClusterStore, 'members'>
  readonly links: Pick<Links, 'open' | 'to'>
  /** Asks another node; resolves with a symbol where it does not answer in time. */
  readonly question: (link: Link, frameOf: (n: number) => LinkFrame) => Promise<unknown> | undefined
}

type Device = ReturnType<Sessions['devicesOf']>[number]

export class Everywhere {
  readonly #context: Context

  constructor(context: Context) {
    this.#context = context
  }

  /** Each node says it of the users whose actors it has: so nobody counts twice, by whatever nodes they are connected. */
  async online(page: OnlinePage): Promise<Online> {
    const { online, others, links, question } = this.#context
    const { after = null, limit } = page
    const asked = others().map(async ({ life, name }) => {
      const link = links.to(life)
      const answer = link && (await question(link, (n) => [kinds.online, n, after, limit]))
      return answer && typeof answer === 'object' ? (answer as Online) : name
    })
    const answers = await Promise.all(asked)
    const missing = answers.filter((answer) => typeof answer === 'string')
    return onlineTogether([online(page), ...answers.filter((answer) => typeof answer === 'object')], missing, limit)
  }

  async disconnect(...[user, device, code]: Parameters<Sessions['disconnect']>): Promise<number> {
    const { own, links, question } = this.#context
    const far = links.open.map((link) => question(link, (n) => [kinds.disconnect, n, user, device ?? null, code]))
    const here = own.disconnect(user, device, code)
    return (await Promise.all(far)).reduce<number>((sum, count) => sum + (typeof count === 'number' ? count : 0), here)
  }

  /** With the nodes by which they are connected. */
  async devicesOf(user: UserId): Promise<(Device & { readonly node: string })[]> {
    const { own, name, links, question } = this.#context
    const far = links.open.map(async (link) => {
      const answer = await question(link, (n) => [kinds.devices, n, user])
      const devices = Array.isArray(answer) ? (answer as Device[]) : []
      return devices.map((device) => ({ ...device, node: link.peer?.name ?? '' }))
    })
    return [...own.devicesOf(user).map((device) => ({ ...device, node: name })), ...(await Promise.all(far)).flat()]
  }

  /** To the sessions of one device, wherever they are. What another node does not get its device finds out when it connects. */
  tell(...[user, device, frame]: Parameters<Sessions['tell']>): void {
    this.#context.own.tell(user, device, frame)
    for (const link of this.#context.links.open) link.tell([kinds.device, user, device, frame])
  }

  /** Resolves with whether all who are in know it. A node that comes later reads it from the store. */
  async tellBan(user: UserId, banned: boolean): Promise<boolean> {
    return (await this.#askMembers((n) => [kinds.ban, user, banned, n])).every((answer) => answer === true)
  }

  /** Whether another node is erasing a user, or may be: it does not say. */
  async isErasing(user: UserId): Promise<boolean> {
    return (await this.#askMembers((n) => [kinds.erasing, n, user])).some((answer) => answer !== false)
  }

  /** What all others answer who are in by the store; a symbol or undefined where one does not. */
  async #askMembers(frameOf: (n: number) => LinkFrame): Promise<readonly unknown[]> {
    const { store, life, links, question } = this.#context
    const others = (await store.members()).rows.filter((row) => row.life !== life)
    return Promise.all(
      others.map((row) => {
        const link = links.to(row.life)
        return link && question(link, frameOf)
      }),
    )
  }
}
