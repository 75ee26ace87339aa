/** The files of the journal: what is torn, cut, altered, missing or from another time is found, and nothing that was answered is lost. */
import {
  closeSync,
  cpSync,
  existsSync,
  linkSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { UserId } from '../../../src/protocol/ids.ts'
import type { StoreError } from '../../../src/store/error.ts'
import { backUpStore } from '../../../src/store/lmdb/backup.ts'
import { closeFolder, type Opened, openFolder } from '../../../src/store/lmdb/folder.ts'
import { hasDsync, openOut } from '../../../src/store/lmdb/journal/out.ts'
import { packRow, unpackRow } from '../../../src/store/lmdb/packed.ts'
import { packAppend } from '../../../src/store/lmdb/rows.ts'
import { message, user } from '../../contracts/store.ts'

const page = 4_096
const [ann, bob] = [user('ann'), user('bob')]
let root = ''
let data = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bluetick-files-'))
  data = join(root, 'data')
  return () => rmSync(root, { recursive: true })
})

const file = (number: number | string, of = data) => join(of, 'journal', String(number))
const quiet = { broke: () => {}, damaged: () => {} }

/** Works on the folder with a process of its own, so to say. */
async function open<Result>(
  work: (opened: Opened) => Promise<Result>,
  out?: Parameters<typeof openFolder>[2],
  of = data,
): Promise<Result> {
  const opened = await openFolder(of, quiet, out)
  try {
    return await work(opened)
  } finally {
    await closeFolder(opened)
  }
}
/** One record each. */
async function append({ journal }: Opened, to: UserId, from: number, count: number, body = 'x'): Promise<void> {
  for (let seq = from; seq < from + count; seq++)
    await journal.append(packAppend(to, 7, 1, [message(seq, 1_000, `${body} ${seq}`)]))
}
const entriesOf = ({ journal }: Opened, of: UserId) => unpackRow(packRow(journal.of(of)?.entries ?? []))
const bodiesOf = (opened: Opened, of: UserId) =>
  entriesOf(opened, of).map((entry) => ('body' in entry ? entry.body : entry.is))
const read = (of = data) => open(async (opened) => bodiesOf(opened, bob), undefined, of)
const refusal = (of = data) =>
  read(of).then(
    () => 'opened',
    ({ code, message }: StoreError) => `${code}: ${message}`,
  )
const all = (count: number) => Array.from({ length: count }, (_, n) => `x ${n + 1}`)

function alter(path: string, at: number, bit = 1): void {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ bit, at)
  writeFileSync(path, bytes)
}

describe('the files of a journal', () => {
  it('hold what was appended, for the next process, which writes in another file', async () => {
    await open((opened) => append(opened, bob, 1, 5))
    expect(readdirSync(join(data, 'journal'))).toEqual(['1'])
    expect(statSync(file(1)).size).toBe(4 * 1024 * 1024)
    await open(async (opened) => {
      expect(bodiesOf(opened, bob)).toEqual(all(5))
      await append(opened, bob, 6, 2)
    })
    expect(readdirSync(join(data, 'journal')).sort()).toEqual(['1', '2'])
    expect(await read()).toEqual(all(7))
  })

  it('are used again once everything is in the tables, and say nothing of what they held', async () => {
    for (let life = 0; life < 6; life++)
      await open(async (opened) => {
        await append(opened, bob, 1 + life * 3, 3)
        await opened.journal.flush()
      })
    const names = readdirSync(join(data, 'journal'))
    expect(names.length).toBeLessThanOrEqual(2)
    expect(Math.max(...names.map(Number))).toBe(6)
    await open(async (opened) => {
      expect(opened.journal.of(bob)).toBeUndefined()
      expect(opened.tables.logs.get(bob)?.tail).toBe(18)
    })
  })

  it('grow in number to three, and then everything moves, also while much is written', async () => {
    const body = 'y'.repeat(1_000_000)
    await open(async (opened) => {
      await append(opened, bob, 1, 40, body)
      expect(readdirSync(join(data, 'journal')).length).toBeLessThanOrEqual(3)
      await append(opened, ann, 1, 1, 'y'.repeat(9_000_000))
    })
    await open(async (opened) => {
      await opened.journal.flush()
      expect([bob, ann].map((user) => opened.tables.logs.get(user)?.tail)).toEqual([40, 1])
    })
  })

  it.each([
    ['its first page', 0],
    ['its first byte alone', -page + 1],
  ])('end before a record of which only %s is on the disk: nobody was answered that', async (_what, more) => {
    const crashed = join(root, 'crashed')
    await open(async (opened) => {
      await append(opened, bob, 1, 3)
      await append(opened, bob, 4, 1, 'z'.repeat(20_000))
      cpSync(data, crashed, { recursive: true })
    })
    const bytes = readFileSync(file(1, crashed))
    bytes.fill(0, 5 * page + more)
    writeFileSync(file(1, crashed), bytes)
    expect(await read(crashed)).toEqual(all(3))
    await open((opened) => append(opened, bob, 4, 2), undefined, crashed)
    expect(await read(crashed)).toEqual(all(5))
    // A process that ended in peace has told the tables that there is a fourth.
    writeFileSync(file(1), bytes)
    expect(await refusal()).toMatch(/it ends at record 3, and had 4/)
  })

  it('are damaged where a record in the middle is not what was written, wherever it is altered', async () => {
    await open((opened) => append(opened, bob, 1, 6))
    for (const at of [0, 7, 8, 15, 16, 24, 28, 32, 60]) {
      const copy = join(root, `altered ${at}`)
      cpSync(data, copy, { recursive: true })
      alter(file(1, copy), 3 * page + at)
      expect(await refusal(copy), `${at}`).toMatch(
        `corrupt: The journal of ${copy} is damaged: ${file(1, copy)} has no record at byte ${3 * page}, and has one behind it`,
      )
    }
    // What fills a page says nothing.
    alter(file(1), 3 * page + 4_000)
    expect(await read()).toEqual(all(6))
  })

  it('are damaged where a head is altered, or is another file’s, or the file is cut, or gone', async () => {
    await open((opened) => append(opened, bob, 1, 3))
    await open((opened) => append(opened, bob, 4, 3))
    const damages: Record<string, [(of: string) => void, RegExp]> = {
      'the magic': [(of) => alter(file(1, of), 3), /the head of .*1 is not what was written/],
      'the salt': [(of) => alter(file(1, of), 35), /the head of .*1 is not what was written/],
      'another name': [(of) => renameSync(file(2, of), file(1, of)), /the head of .*1 is not what was written/],
      cut: [(of) => truncateSync(file(2, of), 10 * page), /2 has 40960 of 4194304 bytes/],
      'the first gone': [(of) => rmSync(file(1, of)), /1 is missing/],
      'the second gone': [(of) => rmSync(file(2, of)), /2 is missing/],
      'all gone': [(of) => rmSync(join(of, 'journal'), { recursive: true }), /1 is missing/],
      'the end of the first': [(of) => alter(file(1, of), 3 * page + 40), /record 3 is missing/],
    }
    for (const [name, [damage, words]] of Object.entries(damages)) {
      const copy = join(root, name)
      cpSync(data, copy, { recursive: true })
      damage(copy)
      expect(await refusal(copy), name).toMatch(words)
      expect(await refusal(copy), name).toMatch(/^corrupt: .*bluetick restore --from BACKUP --data/)
    }
    expect(await read()).toEqual(all(6))
  })

  it('and the tables tell when one of the two was put back from an earlier moment', async () => {
    await open((opened) => append(opened, bob, 1, 3))
    const saved = join(root, 'saved')
    cpSync(data, saved, { recursive: true })
    await open(async (opened) => {
      await append(opened, bob, 4, 3)
      await opened.commits.write(({ seen }) => void seen.put(ann, 1))
      await append(opened, bob, 7, 1)
    })
    const [older, newer] = [join(root, 'older tables'), join(root, 'older journal')]
    for (const copy of [older, newer]) cpSync(data, copy, { recursive: true })
    cpSync(join(saved, 'bluetick.mdb'), join(older, 'bluetick.mdb'))
    rmSync(join(newer, 'journal'), { recursive: true })
    cpSync(join(saved, 'journal'), join(newer, 'journal'), { recursive: true })
    expect(await refusal(older)).toMatch(/put back from an earlier moment/)
    expect(await refusal(newer)).toMatch(/2 is missing/)
    rmSync(join(older, 'bluetick.mdb'))
    rmSync(join(older, 'bluetick.mdb-lock'))
    expect(await refusal(older)).toMatch(/^corrupt: The file .*bluetick.mdb is damaged: nothing is in it/)
  })

  it('of another store are not believed', async () => {
    const other = join(root, 'other')
    for (const of of [data, other]) await open((opened) => append(opened, bob, 1, 3), undefined, of)
    cpSync(file(1, other), file(1))
    expect(await refusal()).toMatch(/belongs to another store/)
  })

  it('take no body for a record, whatever is in it', async () => {
    await open((opened) => append(opened, bob, 1, 3))
    const forged = new Uint8Array(readFileSync(file(1)).subarray(page, 4 * page))
    await open((opened) => opened.journal.append(packAppend(bob, 7, 1, [message(4, 1_000, forged)])))
    await open(async (opened) => expect(entriesOf(opened, bob).at(-1)).toMatchObject({ seq: 4, body: forged }))
  })
})

/** A disk on which some writes fail, and then what is written is there in part. */
function failing(when: (nth: number) => number | undefined, threaded = true): Parameters<typeof openFolder>[2] {
  let nth = 0
  const open = async (path: string) => {
    const out = await openOut(path)
    // Part of a page goes through the cache only.
    const cached = openSync(path, 'r+')
    const tear = (bytes: Uint8Array, at: number) => writeSync(cached, bytes, 0, 20, at)
    const close = () => {
      closeSync(cached)
      out.close()
    }
    const write = async (bytes: Uint8Array, at: number) => {
      const errno = when(++nth)
      if (errno === undefined) return out.write(bytes, at)
      tear(bytes, at)
      throw Object.assign(new Error('the disk fails'), { errno: -errno })
    }
    const writeNow = (bytes: Uint8Array, at: number) => {
      const errno = when(++nth)
      if (errno === undefined) return out.writeNow(bytes, at)
      tear(bytes, at)
      throw Object.assign(new Error('the disk fails'), { errno: -errno })
    }
    return { ...out, write, writeNow, close }
  }
  return { open, threaded }
}

describe.each([true, false])('a journal whose disk fails, written by threads: %s', (threaded) => {
  /** Writes of zeros, and of a head, that come before the first record. */
  const making = 17

  it('without room says so, and goes on in another file when there is room: what was answered is there, once', async () => {
    let full = false
    await open(
      async (opened) => {
        await append(opened, bob, 1, 3)
        full = true
        for (let n = 0; n < 3; n++) await expect(append(opened, bob, 4, 1)).rejects.toMatchObject({ code: 'full' })
        await expect(opened.journal.look()).rejects.toMatchObject({ code: 'full' })
        full = false
        await opened.journal.look()
        await append(opened, bob, 4, 3)
      },
      failing(() => (full ? constants.errno.ENOSPC : undefined), threaded),
    )
    expect(await read()).toEqual(all(6))
  })

  it('for another reason writes nothing more, there and in the tables', async () => {
    const broke: string[] = []
    const events = { broke: ({ code }: StoreError) => void broke.push(code), damaged: () => {} }
    const opened = await openFolder(
      data,
      events,
      failing((nth) => (nth === making + 4 ? constants.errno.EIO : undefined), threaded),
    )
    await append(opened, bob, 1, 3)
    for (let n = 0; n < 2; n++) await expect(append(opened, bob, 4, 1)).rejects.toMatchObject({ code: 'failed' })
    await expect(opened.commits.write(() => {})).rejects.toMatchObject({ code: 'failed' })
    expect(broke).toEqual(['failed'])
    await closeFolder(opened)
    expect(await read()).toEqual(all(3))
  })

  it('in whatever write, while a file is made or a record written, has all that was answered at the next start', async () => {
    for (let failed = 1; failed <= making + 6; failed++) {
      const of = join(root, `at ${failed}`)
      let answered = 0
      await open(
        async (opened) => {
          for (let seq = 1; seq <= 5; seq++) {
            const done = await append(opened, bob, seq, 1).then(
              () => true,
              () => false,
            )
            if (!done) return
            answered = seq
          }
        },
        failing((nth) => (nth === failed ? constants.errno.EIO : undefined), threaded),
        of,
      )
      const found = await read(of)
      expect([answered, answered + 1], `${failed}`).toContain(found.length)
      expect(found).toEqual(all(found.length))
    }
  })
})

describe('a backup of a journal', () => {
  it('has what is not in the tables yet, in one file, and leaves no names behind', async () => {
    await open(async (opened) => {
      await append(opened, bob, 1, 3)
      await opened.journal.flush()
      await append(opened, bob, 4, 3)
      await backUpStore(data, join(root, 'backup'))
    })
    expect(readdirSync(join(root, 'backup')).sort()).toEqual(['bluetick.mdb'])
    expect(readdirSync(join(data, 'journal'))).toEqual(['1'])
    await open(async ({ tables }) => expect(tables.logs.get(bob)?.tail).toBe(6), undefined, join(root, 'backup'))
  })

  it('keeps a file that it copies from being used again', async () => {
    await open(async (opened) => {
      await append(opened, bob, 1, 3)
      await opened.journal.flush()
    })
    linkSync(file(1), join(root, 'pinned'))
    const before = readFileSync(join(root, 'pinned'))
    await open(async (opened) => {
      await opened.journal.flush()
      await append(opened, bob, 4, 1)
    })
    expect(existsSync(file(2))).toBe(true)
    expect(existsSync(file(1))).toBe(false)
    expect(readFileSync(join(root, 'pinned')).equals(before)).toBe(true)
  })
})

it.each([
  ['linux', 4096, true],
  ['linux', undefined, false],
  ['darwin', 4_194_304, false],
  ['win32', undefined, false],
] as const)('on %s with the flag %s one call writes and syncs: %s', (platform, flag, expected) => {
  expect(hasDsync(platform, flag)).toBe(expected)
})
