/** What an earlier release has written is read as it was. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { Packr } from 'msgpackr'
import { expect, it } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import { closeFolder, openFolder } from '../../src/store/lmdb/folder.ts'
import { options, type Packed, packEntry } from '../../src/store/lmdb/packed.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { copy, message, user } from '../contracts/store.ts'

const bob = user('bob')
const packr = new Packr(options)

type Said = Extract<Entry, { readonly body: unknown }>
const at = 1_764_000_000_000

/** As version 7 had it, whose ids were text. */
function asText(entry: Said): Packed {
  const { id, body } = entry
  const fields = entry.is === 'message' ? [id, entry.from, body] : [id, entry.to, body, entry.at.epoch, entry.at.seq]
  const marked = packr.pack(entry.is === 'message' ? [id, entry.from] : [id]).length
  return { ...packEntry(bob, entry), rest: packr.pack(fields), mark: marked }
}

it('ids that version 7 wrote as text are found and read, in the journal and in the tables, beside those of today', async () => {
  const path = mkdtempSync(join(tmpdir(), 'bluetick-version-'))
  const old = [message(1, at, 'in the tables'), copy(2), message(3, at, 'in the journal')] as Said[]
  const opened = await openFolder(path, { broke: () => {}, damaged: () => {} })
  const write = (entries: readonly Said[]) =>
    opened.journal.append({ user: bob, epoch: 9, term: 0, entries: entries.map(asText) })
  await write(old.slice(0, 2))
  await opened.journal.flush()
  await write(old.slice(2))
  await closeFolder(opened)
  const root = open({ path: join(path, 'bluetick.mdb'), maxDbs: 32 })
  await root.openDB({ name: 'settings' }).put('version', 7)
  await root.close()

  const store = lmdbStore(path)
  await store.open()
  const all = [...old, message(4, at, 'of today') as Said]
  await store.append(bob, 9, 0, all.slice(3))
  for (let n = 0; n < 2; n++) {
    expect(await store.read(bob, 1, 10, 10_000, 0)).toEqual(all)
    const keys = all.map((entry) => ({ id: entry.id, sender: entry.is === 'message' ? entry.from : bob }))
    expect(await store.findRepeats(bob, keys, at)).toEqual(all.map(({ seq, time }) => ({ seq, time })))
    for (const { id, seq } of all) expect(await store.trace(id)).toMatchObject([{ recipient: bob, seq }])
    await store.settle()
  }
  await store.close()
})
