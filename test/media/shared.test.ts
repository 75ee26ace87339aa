import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createNode, fileMedia, folderBucket, memoryStore, s3Bucket, sharedMedia } from '../../src/index.ts'
import type { Bucket } from '../../src/media/buckets/bucket.ts'
import { putWithinMs } from '../../src/media/litter.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import type { MediaRecords } from '../../src/store/contract.ts'
import { mediaRecords } from '../../src/store/memory/media.ts'
import { idOf, mediaContract, png } from '../contracts/media.ts'
import { keys, s3Server } from './s3.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'bluetick-media-'))
const filesIn = async (path: string) =>
  (await readdir(path, { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile() && entry.name !== '.bluetick-media',
  )

let [path, media] = [folder(), mediaRecords()]
beforeEach(() => {
  path = folder()
  media = mediaRecords()
})
const spool = () => join(path, 'spool')
const uploads = async () => (await filesIn(join(spool(), 'uploads'))).length
const inFolder = () => sharedMedia({ store: { media }, bucket: folderBucket(join(path, 'bucket')), spool: spool() })
const stored = async () => (await filesIn(join(path, 'bucket'))).length + (await uploads())
mediaContract('shared, in a folder', inFolder, inFolder, stored)

describe('on an S3 server', () => {
  const objects = folder()
  let server: Awaited<ReturnType<typeof s3Server>>
  let runs = 0
  beforeAll(async () => {
    server = await s3Server(objects)
  })
  afterAll(() => server?.stop())
  beforeEach(() => {
    runs += 1
  })
  const bucket = (more = {}) =>
    s3Bucket({ endpoint: server.url, bucket: 'media', ...keys, prefix: `run${runs}/`, ...more })
  const inBucket = () => sharedMedia({ store: { media }, bucket: bucket(), spool: spool() })
  const kept = async () =>
    (await filesIn(join(objects, 'media'))).filter(
      ({ name, parentPath }) => parentPath.includes(`/run${runs}/`) && name.endsWith('_object'),
    ).length
  mediaContract('shared, on S3', inBucket, inBucket, async () => (await kept()) + (await uploads()))

  it('is not looked for in another bucket', async () => {
    const right = bucket()
    await right.open([])
    await right.put('a', new URL(import.meta.url).pathname, idOf(readFileSync(new URL(import.meta.url))))
    await right.open(['a', 'b'])
    await expect(bucket({ prefix: 'other/' }).open(['a', 'b'])).rejects.toThrow(
      /is it the right one, and its prefix\? .* put an empty object there as other\/a and start again\.$/,
    )
  })
})

it('tells an S3 service what is to come, and says what is wrong where it refuses', async () => {
  const came: string[] = []
  const service = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray())
    const { host: _, authorization = '', ...headers } = request.headers
    const isRight = headers['x-amz-content-sha256'] === idOf(body) && headers['content-length'] === `${body.length}`
    came.push(`${request.method} ${request.url} ${/Credential=(\w+)\//.exec(authorization)?.[1]} ${isRight}`)
    response.writeHead(request.url?.startsWith('/none') ? 404 : request.method === 'PUT' ? 200 : 403).end()
  })
  await once(service.listen(0, '127.0.0.1'), 'listening')
  const endpoint = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`
  const bucket = (name: string) => s3Bucket({ endpoint, bucket: name, accessKeyId: 'KEY', secretAccessKey: 'secret' })
  await expect(bucket('none').open([])).rejects.toThrow(/answered 404 to HEAD. Is there a bucket of that name\?$/)
  const wrong = bucket('media')
  await expect(wrong.open([])).rejects.toThrow(/answered 403 to HEAD. Are the keys right/)
  writeFileSync(join(path, 'file'), 'this')
  await wrong.put('a b/c', join(path, 'file'), idOf(Buffer.from('this')))
  expect(came.at(-1)).toBe('PUT /media/a%20b/c KEY true')
  service.close()
  const nobody = s3Bucket({ endpoint: 'http://127.0.0.1:9', bucket: 'media', ...keys })
  await expect(nobody.open([])).rejects.toThrow('The bucket media at http://127.0.0.1:9 cannot be reached.')
  expect(() => s3Bucket({ endpoint: 'example.org', bucket: 'media', ...keys })).toThrow('endpoint must be a URL')
})

describe('media that nodes share', () => {
  it('is the one that a cluster takes', () => {
    const media = fileMedia(folder())
    expect(() => createNode({ store: memoryStore(), media, cluster: { name: 'n1' } })).toThrow(
      'a node in a cluster needs media that all nodes have: sharedMedia(options), and not fileMedia',
    )
    createNode({ store: memoryStore(), media: inFolder(), cluster: { name: 'n1' } })
  })

  it('is removed by one node, and uploads that nobody goes on with by each', async () => {
    const node = inFolder()
    await node.open()
    const content = png('a picture')
    const [whole, begun] = [await node.begin('alice' as UserId, null), await node.begin('bob' as UserId, idOf(content))]
    for (const upload of [whole, begun]) await upload.write(content)
    await whole.finish('h', 1_000)
    await begun.pause()
    const later = Date.now() + 2 * 86_400_000
    await node.collect(later, true)
    expect([(await node.find(idOf(content))) !== undefined, await uploads()]).toEqual([true, 0])
    await node.collect(later)
    expect(await node.find(idOf(content))).toBe(undefined)
    await node.close()
  })

  it('can be opened once its bucket is there', async () => {
    let isThere = false
    const inPath = folderBucket(join(path, 'bucket'))
    const open = async () => (isThere ? inPath.open([]) : Promise.reject(new Error('away')))
    const node = sharedMedia({ store: { media }, bucket: { ...inPath, open }, spool: spool() })
    await expect(node.open()).rejects.toThrow('away')
    isThere = true
    await node.open()
    await node.close()
  })

  it('is not looked for in an empty folder, where the one that has it is not mounted', async () => {
    const node = inFolder()
    await node.open()
    const upload = async (text: string) => {
      const upload = await node.begin('alice' as UserId, null)
      await upload.write(png(text))
      return upload.finish('h', Date.now() + 1_000_000)
    }
    await upload('a picture')
    await upload('one that stays')
    await rename(join(path, 'bucket'), join(path, 'away'))
    await mkdir(join(path, 'bucket'))
    await expect(upload('another')).rejects.toThrow('is it still mounted?')
    expect(await node.release('h', idOf(png('a picture'))).catch(({ message }) => message)).toContain('still mounted?')
    await node.close()
    await expect(inFolder().open()).rejects.toThrow(/nothing of what was put there is in it: is it mounted\?/)
    expect(await readdir(join(path, 'bucket'))).toEqual([])
    await rmdir(join(path, 'bucket'))
    await rename(join(path, 'away'), join(path, 'bucket'))
    await node.open()
    expect(await upload('another')).toMatchObject({ type: 'image/png' })
    await node.close()
  })

  it('is kept on where a disk has lost what is looked for, once whoever runs the node says that it is the right one', async () => {
    const node = inFolder()
    await node.open()
    const upload = await node.begin('alice' as UserId, null)
    await upload.write(png('a picture'))
    await upload.finish('h', Date.now() + 1_000_000)
    await node.close()
    await rm(join(path, 'bucket'), { recursive: true })
    const said = await node.open().catch(({ message }) => message)
    const lost = /make an empty file (\S+) and start again/.exec(said)?.[1] ?? ''
    await mkdir(dirname(lost), { recursive: true })
    writeFileSync(lost, '')
    await node.open()
    await node.close()
  })

  it('is not kept where the machine slept while it was put there: it may have been removed meanwhile', async () => {
    const inPath = folderBucket(join(path, 'bucket'))
    const asleep: Bucket = {
      ...inPath,
      async put(...args) {
        await inPath.put(...args)
        vi.spyOn(Date, 'now').mockReturnValue(Date.now() + putWithinMs + 1)
      },
    }
    const node = sharedMedia({ store: { media }, bucket: asleep, spool: spool() })
    await node.open()
    const upload = await node.begin('alice' as UserId, null)
    await upload.write(png('a picture'))
    await expect(upload.finish('h', 1_000)).rejects.toThrow('It took too long')
    vi.restoreAllMocks()
    expect(await node.find(idOf(png('a picture')))).toBe(undefined)
    await node.close()
  })

  it('has a folder for uploads that no other node has', async () => {
    const [first, second] = [inFolder(), inFolder()]
    await first.open()
    await expect(second.open()).rejects.toMatchObject({ code: 'locked' })
    await first.close()
  })
})

/** Whatever two nodes do at the same time, and wherever one of them ends. */
describe('two nodes that share media', () => {
  const content = png('a picture')
  const id = idOf(content)
  const [alice, now] = ['alice' as UserId, 1_000]
  afterEach(() => void vi.restoreAllMocks())

  class Ended extends Error {}
  /** Calls wait for their turn, which chance gives; of a node that has ended none comes any more. */
  class Turns {
    readonly #random: () => number
    #waiting: (() => void)[] = []
    #running = false
    constructor(random: () => number) {
      this.#random = random
    }
    async #next(): Promise<void> {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
        if (!this.#running) this.#run()
      })
    }
    #run(): void {
      this.#running = true
      setImmediate(() => {
        const [turn] = this.#waiting.splice(Math.floor(this.#random() * this.#waiting.length), 1)
        turn?.()
        if (this.#waiting.length > 0) this.#run()
        else this.#running = false
      })
    }
    /** `left`: how many calls the node makes before it ends. */
    through<Part extends object>(part: Part, node: { left: number }): Part {
      const turn = async () => {
        await this.#next()
        node.left -= 1
        if (node.left < 0) throw new Ended()
      }
      return new Proxy(part, {
        get: (target, name) => {
          const call = Reflect.get(target, name) as (...args: unknown[]) => unknown
          if (name === 'read' || name === 'held' || name === 'release')
            return async function* (...args: unknown[]) {
              await turn()
              yield* call.apply(target, args) as AsyncIterable<unknown>
            }
          return async (...args: unknown[]) => {
            await turn()
            const result = await call.apply(target, args)
            await turn()
            return result
          }
        },
      })
    }
  }

  const randomOf = (seed: number) => () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0
    return (seed >>> 0) / 2 ** 32
  }

  function memoryBucket(): Bucket & { readonly files: Set<string> } {
    const files = new Set<string>()
    return {
      files,
      open: async () => {},
      async put(name) {
        files.add(name)
      },
      async *read(name) {
        if (!files.has(name)) throw new Error('gone')
        yield content
      },
      async remove(name) {
        files.delete(name)
      },
    }
  }

  async function world(seed: number): Promise<void> {
    const random = randomOf(seed)
    const turns = new Turns(random)
    const records: MediaRecords = mediaRecords()
    const bucket = memoryBucket()
    const nodes = [0, 1].map((n) => {
      const life = { left: random() < 0.5 ? Math.floor(random() * 40) : Number.POSITIVE_INFINITY }
      const store = { media: turns.through(records, life) }
      return sharedMedia({ store, bucket: turns.through(bucket, life), spool: join(path, `${seed}-${n}`) })
    })
    for (const node of nodes) await node.open().catch(() => undefined)
    const held = new Set<string>()
    const released = new Set<string>()
    const doings = Array.from({ length: 6 }, async (_, n) => {
      const [node, holder, chance] = [nodes[Math.floor(random() * 2)], `h\n${n}\n`, random()]
      if (!node) return
      if (chance < 0.4) {
        const upload = await node.begin(alice, null)
        await upload.write(content)
        if (await upload.finish(holder, 9_000)) held.add(holder)
      } else if (chance < 0.6) {
        if (await node.refer(id, [holder], 9_000)) held.add(holder)
      } else if (chance < 0.8) {
        const which = `h\n${Math.floor(random() * n)}\n`
        released.add(which)
        await node.release(which)
      } else await node.collect(now)
    })
    const results = await Promise.allSettled(doings)
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(Ended)
    for (const node of nodes) await node.close()
    const row = await records.find(id)
    const isHeld = [...held].some((holder) => !released.has(holder))
    if (isHeld) expect({ seed, there: row !== undefined }).toEqual({ seed, there: true })
    if (row) expect({ seed, bytes: bucket.files.has(row.file) }).toEqual({ seed, bytes: true })
    await clean(records, bucket, seed)
    const left = await records.find(id)
    expect({ seed, files: [...bucket.files] }).toEqual({ seed, files: left ? [left.file] : [] })
    const isWanted = (await records.heldUntil(id)) > 0
    expect({ seed, isWanted, left: left !== undefined }).toMatchObject({ left: left !== undefined && isWanted })
    if (isHeld) expect({ seed, left: left !== undefined }).toEqual({ seed, left: true })
  }

  /** A node that lives long looks after what is left. What nobody heard of may be held still, until its end. */
  async function clean(records: MediaRecords, bucket: Bucket, seed: number): Promise<void> {
    const heir = sharedMedia({ store: { media: records }, bucket, spool: join(path, `${seed}-heir`) })
    await heir.open()
    const later = vi.spyOn(performance, 'now')
    const until = (await records.heldUntil(id)) === 0 ? now : 8_999
    for (const hours of [0, 3, 6]) {
      later.mockReturnValue(hours * 2 * putWithinMs)
      await heir.collect(until)
    }
    later.mockRestore()
    await heir.close()
  }

  it('lose nothing that somebody holds, and leave nothing that nobody does, wherever one of them ends', async () => {
    for (let seed = 1; seed <= 400; seed++) await world(seed)
  })
})
