/** Groups, as a member sees them. What changes a group is a message to it, and comes to every member as one. */
import { type GroupId, isUserId } from '../protocol/ids.ts'
import type { Asker } from './asker.ts'
import { RefusedError } from './errors.ts'
import type { Host } from './host.ts'
import type { Sender } from './sender.ts'
import type { Sent } from './sent.ts'
import type { Of } from './session/frames.ts'
import type { Group, Outgoing, Ticks } from './types.ts'
import { uuidv7 } from './uuid.ts'

/** Users that one change adds to a group: however long their ids are, it fits the default limit of a body. */
const addedAtOnce = 64

export class Groups {
  readonly #host: Host
  readonly #asker: Asker
  readonly #sender: Sender
  readonly #sent: Sent

  constructor(host: Host, asker: Asker, sender: Sender, sent: Sent) {
    this.#host = host
    this.#asker = asker
    this.#sender = sender
    this.#sent = sent
  }

  /** Answers its id, which begins with `mark`, when the server has it with all its members. */
  async create(name: string, members: readonly string[], mark = '#'): Promise<string> {
    const { idLength } = this.#host.session.limits
    if (!members.every((member) => isUserId(member, idLength))) throw new RefusedError('bad_id')
    const group = mark + uuidv7()
    const changes = [this.#sender.queue(group, name, { change: 'create' })]
    for (let at = 0; at < members.length; at += addedAtOnce)
      changes.push(this.#sender.queue(group, members.slice(at, at + addedAtOnce).join('\n'), { change: 'add' }))
    await Promise.all((await Promise.all(changes)).map(({ id }) => this.#sent.reached(id, 'sent')))
    return group
  }

  async group(id: string): Promise<Group> {
    const [answer] = await this.#asker.ask(['members', id as GroupId])
    const [, , name, history, admins, members, lifetime] = answer as Of<'group'>
    return { id, name, history, admins, members, lifetime }
  }

  async ticks({ to, at }: Pick<Outgoing, 'to' | 'at'>): Promise<Ticks> {
    if (!at) return { delivered: [], read: [] }
    const [answer] = await this.#asker.ask(['ticks', to as GroupId, at.seq])
    const [, , , delivered, read] = answer as Of<'ticked'>
    return { delivered, read }
  }
}
