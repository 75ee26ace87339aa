/** Groups. The log of a group is a log like any other, under the group's id. */
import type { GroupId, Seq, UserId } from '../../protocol/ids.ts'
import type { Lifetime } from '../../protocol/lifetime.ts'

/** A member of a group: now, or one who has left and has not got everything that was for them. Seqs are the group's. */
export type GroupMember = {
  readonly user: UserId
  readonly admin: boolean
  /** What this member may see, oldest first; `to` null: a member now. */
  readonly spans: readonly { readonly from: Seq; readonly to: Seq | null }[]
  /** How far this member has acknowledged and read, and the last message that they sent. */
  readonly delivered: Seq
  readonly read: Seq
  readonly sent: Seq
  /** Whom this member has blocked: of those, who was in the group when they last acknowledged something there. */
  readonly hides?: readonly UserId[]
  /** The ticks that are durable with this member as a sender. */
  readonly told: { readonly delivered: Seq; readonly read: Seq }
}

/** A group as of entry `seq` of its log; what came later stands in the log. */
export type GroupRecord = {
  readonly seq: Seq
  readonly name: string
  readonly history: number
  readonly lifetime: Lifetime
  readonly members: readonly GroupMember[]
  /** Who may join, since an admin wanted to add them and they are asked first; and who has left, and is asked again. */
  readonly invited?: readonly UserId[]
  readonly left?: readonly UserId[]
}

/** What is known of groups beside their logs. */
export interface GroupStore {
  /** A group's record; undefined when none was saved. */
  loadGroup(group: GroupId): Promise<GroupRecord | undefined>
  /** Replaces it. Durable when it resolves; after a rejection either may be there, and the log says what came since. */
  saveGroup(group: GroupId, record: GroupRecord): Promise<void>
}

/** Groups of which a crash may have left copies undone. */
export interface NoteStore {
  /** Notes that the node of this term hands out copies of a group's messages. Durable when it resolves, and that before the first copy is appended. */
  noteGroup(group: GroupId, term: number): Promise<void>
  /** Groups whose copies may not all be with their members, each with the term that noted it. */
  notedGroups(): Promise<readonly { readonly group: GroupId; readonly term: number }[]>
  /** Takes back the note of that term. What a crash leaves noted costs a look at the group, and no more. */
  forgetGroup(group: GroupId, term: number): Promise<void>
}
