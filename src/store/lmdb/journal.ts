/**
 * Where an append becomes durable: one record for many appends, of all users, at the end of a file (journal/). The tables by user get
 * the same entries later (moves.ts), on a commit line of their own, so an append waits for no transaction of LMDB's.
 */
import type { UserId } from '../../protocol/ids.ts'
import { Durations } from '../../runtime/index.ts'
import type { Commits } from './commits.ts'
import type { Fresh } from './inbox.ts'
import { Files } from './journal/files.ts'
import { folderOf, JournalFolder } from './journal/folder.ts'
import type { Marks } from './journal/marks.ts'
import type { OpenOut } from './journal/out.ts'
import { Pace } from './journal/pace.ts'
import { readJournal } from './journal/read.ts'
import { type Done, Writer } from './journal/writer.ts'
import { Moves } from './moves.ts'
import { bytesOf } from './packed.ts'
import { type Append, unpackAppends } from './rows.ts'
import type { Tables } from './tables.ts'
import { Unmoved } from './unmoved.ts'

/** How its files are written. `threaded`: never by the thread of the event loop. */
export type JournalOptions = { readonly open: OpenOut; readonly threaded: boolean }

export class Journal {
  /** How long writes to its files took. */
  readonly syncs = new Durations()
  readonly #commits: Commits<Tables>
  readonly #unmoved: Unmoved
  readonly #moves: Moves
  readonly #files: Files
  readonly #writer: Writer
  readonly #marks: Marks
  /** When what was appended is written, unless somebody begins before. */
  #soon: NodeJS.Immediate | undefined

  /** Takes over what a former process left in the folder `data`. Writes nothing: the disk may be full. */
  constructor(data: string, tables: Tables, commits: Commits<Tables>, marks: Marks, out: JournalOptions) {
    const folder = new JournalFolder(folderOf(data), out.open)
    const { records, last, files } = readJournal(folder, marks.now, data)
    const unmoved = new Unmoved(tables)
    marks.durable = last
    this.#commits = commits
    this.#marks = marks
    this.#unmoved = unmoved
    this.#moves = new Moves(unmoved, commits, {
      get durable() {
        return marks.durable
      },
      isBehind: (upTo) => this.#files.isBehind(upTo),
      applied: (upTo) => this.#files.applied(upTo),
      retire: () => this.#files.retire(),
    })
    this.#files = new Files(
      folder,
      marks,
      files,
      {
        change: (change, done) => commits.write(change, { done }),
        move: () => this.flush(),
        stop: (error) => commits.stop(error),
      },
      data,
    )
    this.#writer = new Writer(
      this.#files,
      {
        check: () => {
          commits.check()
          this.#files.check()
        },
        hasRoom: (bytes) => this.#hasRoom(bytes),
        makeRoom: (bytes) => this.#makeRoom(bytes),
        news: (appends) => unmoved.news(appends),
        keep: (appends) => this.#keep(appends),
      },
      marks,
      new Pace(out.threaded),
      this.syncs,
    )
    commits.room.owes(() => unmoved.bytes + this.#writer.waiting)
    for (const { value } of tables.aside.getRange({})) this.#recover(unpackAppends(value))
    for (const { payload } of records) this.#recover(unpackAppends(payload))
  }

  #recover(appends: readonly Append[]): void {
    for (const { user } of appends) this.#unmoved.try(user, () => this.#unmoved.check(user))
    // What was written again after an unknown outcome, or was put aside, is there twice.
    this.#keep(this.#unmoved.news(appends))
  }

  #keep(appends: readonly Append[]): void {
    this.#unmoved.keep(appends)
    this.#moves.soon()
  }

  /** Durable when it resolves. Rejects where there is no room, and where the inbox is damaged: no other append of the record may fail by that. */
  async append(append: Append): Promise<void> {
    const written = new Promise<void>((resolve, reject) =>
      this.add(append, (failure) => (failure === undefined ? resolve() : reject(failure))),
    )
    this.#soon ??= setImmediate(() => this.begin())
    return written
  }

  /** As `append`; `done` is called by `begin`, or later. Throws where `append` rejects at once. */
  add(append: Append, done: Done): void {
    this.#unmoved.check(append.user)
    this.#writer.add(append, bytesOf(append.entries), done)
  }

  /** Whether so many bytes more will find room in the tables. Some is made in good time, so that no append waits for it. */
  #hasRoom(bytes: number): boolean {
    const { room } = this.#commits
    const all = this.#unmoved.bytes + bytes
    if (room.wants(all)) this.#commits.makeRoom().catch(() => {})
    return room.takes(all)
  }

  /** What is under way may have been begun for less. */
  async #makeRoom(bytes: number): Promise<void> {
    const { room } = this.#commits
    do await this.#commits.makeRoom()
    while (!room.takes(this.#unmoved.bytes + bytes) && !room.refused)
    if (!room.takes(this.#unmoved.bytes + bytes)) throw room.refused
  }

  /** Writes what was appended so far. */
  begin(): void {
    clearImmediate(this.#soon)
    this.#soon = undefined
    this.#writer.begin()
  }

  /** Throws where there is no room for the next append. */
  async look(): Promise<void> {
    await this.#makeRoom(0)
    await this.#files.look()
  }

  /** What of this user's inbox is durable, and may not be in the tables yet. */
  of(user: UserId): Fresh | undefined {
    return this.#unmoved.of(user)
  }

  /** Who has something in the journal. */
  users(): IterableIterator<UserId> {
    return this.#unmoved.users()
  }

  get userCount(): number {
    return this.#unmoved.userCount
  }

  /** Moves what is in the journal now, of one user or of all, to the tables. Rejects when that failed: then it is in the journal still. */
  flush(user?: UserId): Promise<void> {
    return this.#moves.move(user)
  }

  /** Moves everything to the tables, and removes the files. Nothing is appended meanwhile. */
  async settle(): Promise<void> {
    await this.#writer.idle()
    await this.flush()
    await this.#files.end()
  }

  /** What is in the journal stays there, for the next process. */
  async close(): Promise<void> {
    this.#moves.stop()
    await this.#writer.idle()
    await this.#files.close()
    // The tables know where it ends: the next process then misses a last record that a disk has lost.
    if (this.#marks.now.durable < this.#marks.durable)
      await this.#commits.write(() => {}, { frees: true }).catch(() => {})
  }
}
