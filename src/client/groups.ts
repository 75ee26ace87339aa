/** Groups, as a member sees them. What changes a group is a message to it, and comes to every member as one. */
import type { GroupId } from '../protocol/ids.ts'
import type { Asker } from './asker.ts'
import type { Answer } from './session/types.ts'
import type { Group, Outgoing, Ticks } from './types.ts'

export class Groups {
  readonly #asker: Asker

  constructor(asker: Asker) {
    this.#asker = asker
  }

  async group(id: string): Promise<Group> {
    const answer = await this.#asker.ask(['members', id as GroupId])
    const [, , name, history, admins, members, lifetime] = answer as Extract<Answer, readonly ['group', ...unknown[]]>
    return { id, name, history, admins, members, lifetime }
  }

  async ticks({ to, at }: Pick<Outgoing, 'to' | 'at'>): Promise<Ticks> {
    if (!at) return { delivered: [], read: [] }
    const answer = await this.#asker.ask(['ticks', to as GroupId, at.seq])
    const [, , , delivered, read] = answer as Extract<Answer, readonly ['ticked', ...unknown[]]>
    return { delivered, read }
  }
}
