/** `bluetick backup` of a node that is busy, and `bluetick restore` of that. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Client, connect, memoryStorage, type Storage } from '../../src/client/index.ts'
import { createNode, fileMedia, lmdbStore } from '../../src/index.ts'

let root: string
let node: ReturnType<typeof createNode>
let url: string
const clients: Client[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bluetick-backup-'))
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await node.close()
  rmSync(root, { recursive: true })
})
const folder = (name: string) => join(root, name)
async function start(name: string): Promise<void> {
  node = createNode({ store: lmdbStore(folder(name)), media: fileMedia(join(folder(name), 'media')) })
  url = (await node.listen({ port: 0 })).url
}
async function bluetick(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['dist/src/cli/main.js', ...args])
  return stdout.trim()
}
function enter(user: string, storage: Storage = memoryStorage()): Client {
  const client = connect({ url, token: user, storage })
  clients.push(client)
  return client
}
async function take(client: Client, done: (bodies: readonly string[]) => boolean): Promise<string[]> {
  const bodies: string[] = []
  for await (const { body } of client.messages()) if (bodies.push(String(body)) && done(bodies)) break
  return bodies
}

it('has all that was sent before it began, also of a node under load, and media', async () => {
  await start('data')
  const [alice, bob] = [enter('alice'), enter('bob')]
  const photo = await alice.upload(new Blob(['a picture']))
  await alice.send('bob', 'look', { media: photo })
  const sent: string[] = []
  let stopped = false
  const senders = Array.from({ length: 20 }, async (_, sender) => {
    for (let n = 0; !stopped; n++) {
      await (sender % 2 ? alice : bob).send('carol', `${sender} ${n} ${'x'.repeat(500)}`)
      sent.push(`${sender} ${n}`)
    }
  })
  await expect.poll(() => sent.length).toBeGreaterThan(500)
  const before = [...sent]
  const said = await bluetick('backup', '--data', folder('data'), '--to', folder('backup'))
  expect(said).toMatch(/^Backed up .* to .*: messages, and 1 files of media \(9 bytes\)\.$/)
  expect(sent.length).toBeGreaterThan(before.length)
  stopped = true
  await Promise.all(senders)
  for (const client of clients.splice(0)) await client.close()
  await node.close()
  expect(await bluetick('restore', '--from', folder('backup'), '--data', folder('restored'))).toMatch(/^Restored /)
  await start('restored')
  const carol = enter('carol')
  const missing = new Set(before)
  const got = await take(carol, (bodies) => {
    missing.delete((bodies.at(-1) as string).split(' ', 2).join(' '))
    return missing.size === 0
  })
  expect(new Set(got).size, 'nothing twice').toBe(got.length)
  const [look] = await take(enter('bob'), () => true)
  expect(look).toBe('look')
  expect(await (await enter('bob').download(photo.id)).text()).toBe('a picture')
})

it('has public keys; what was restored gives none of those that are for one use', async () => {
  await start('data')
  await node.close()
  const [user, link] = ['alice' as never, Uint8Array.of(1, 2)]
  const first = lmdbStore(folder('data'))
  await first.open()
  await first.addLink(user, 1, link)
  await first.saveShelf(user, 'ab', { version: 1, shelf: Uint8Array.of(3), once: Uint8Array.of(4) })
  await first.compact()
  await bluetick('backup', '--data', folder('data'), '--to', folder('backup'))
  await bluetick('restore', '--from', folder('backup'), '--data', folder('restored'))
  for (const [name, version, once] of [
    ['backup', 1, Uint8Array.of(4)],
    ['restored', 2, new Uint8Array(0)],
  ] as const) {
    const store = lmdbStore(folder(name))
    await store.open()
    expect(await store.links(user, 1)).toEqual([link])
    expect(await store.shelf(user, 'ab')).toEqual({ version, shelf: Uint8Array.of(3), once })
    expect([...store.users()]).toEqual([user])
    await store.close()
  }
})

it('what was restored has new epochs: who has anything of the former is told', async () => {
  await start('data')
  const storage = memoryStorage()
  const bob = enter('bob', storage)
  for (const body of ['one', 'two']) await node.send({ from: 'alice', to: 'bob', body })
  // What the loop is left with counts as not handled.
  await take(bob, ({ length }) => length === 2)
  await bob.close()
  await node.close()
  await bluetick('backup', '--data', folder('data'), '--to', folder('backup'))
  await bluetick('restore', '--from', folder('backup'), '--data', folder('restored'))
  await start('restored')
  const copy = memoryStorage()
  await copy.write(new Map(await storage.load()))
  const again = enter('bob', copy)
  const gaps: unknown[] = []
  again.on('gap', ({ why }) => gaps.push(why))
  expect(await take(again, ({ length }) => length === 2)).toEqual(['one', 'two'])
  expect(gaps).toEqual(['reset'])
})

it('takes no folder that has something, and puts back nothing over data', async () => {
  await start('data')
  await node.send({ from: 'alice', to: 'bob', body: 'one' })
  const [data, backup] = [folder('data'), folder('backup')]
  await bluetick('backup', '--data', data, '--to', backup)
  expect(readdirSync(backup)).not.toContain('bluetick.mdb.part')
  await expect(bluetick('backup', '--data', data, '--to', backup)).rejects.toThrow('is not empty')
  await expect(bluetick('backup', '--data', backup)).rejects.toThrow('--to must name a folder')
  await expect(bluetick('backup', '--data', folder('none'), '--to', folder('other'))).rejects.toThrow(
    'is not a Bluetick data folder',
  )
  await expect(bluetick('restore', '--from', backup, '--data', data)).rejects.toThrow('has data already')
  await expect(bluetick('restore', '--from', folder('none'), '--data', folder('other'))).rejects.toThrow(
    'is not a backup',
  )
  expect(existsSync(folder('other'))).toBe(false)
})
