/** A permanent chat that both have deleted, and one that was temporary: after compaction no file has a letter of them. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import { createNode, fileMedia, lmdbStore } from '../../src/index.ts'

const data = mkdtempSync(join(tmpdir(), 'bluetick-deleted-'))
const filesWith = (text: string): string[] =>
  readdirSync(data, { recursive: true, encoding: 'utf8' }).filter(
    (name) => statSync(join(data, name)).isFile() && readFileSync(join(data, name)).includes(text),
  )
/** Takes everything as an app would, and counts it. */
function takeAll(client: Client): () => number {
  let count = 0
  void (async () => {
    for await (const message of client.messages()) {
      message.read()
      count += 1
    }
  })()
  return () => count
}

it('a chat that both have deleted is in no file after bluetick compact', async () => {
  const node = createNode({ store: lmdbStore(data), media: fileMedia(join(data, 'media')) })
  const { url } = await node.listen({ port: 0 })
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => connect({ url, token: name, device: 'one' })) as [
    Client,
    Client,
    Client,
  ]
  const [atAlice, atBob, atCarol] = [takeAll(alice), takeAll(bob), takeAll(carol)]
  await alice.setLifetime('bob', 'permanent')
  await alice.setLifetime('carol', 'temporary')
  for (let n = 0; n < 30; n++) {
    await alice.send('bob', `sesame ${'open '.repeat(n * 9)}sesame`)
    await bob.send('alice', `sesame ${n}`)
    await alice.send('carol', `whisper ${n}`)
  }
  await carol.send('bob', 'kept for ever')
  await expect.poll(() => [atAlice() >= 30, atBob() >= 31, atCarol() >= 30]).toEqual([true, true, true])
  expect((await alice.history('bob', { limit: 100 })).length).toBeGreaterThanOrEqual(60)
  await alice.delete('bob')
  expect(await alice.history('bob')).toEqual([])
  expect((await bob.history('alice', { limit: 100 })).length).toBeGreaterThanOrEqual(60)
  await bob.delete('alice')
  for (const client of [alice, bob, carol]) await client.close()
  await node.close()

  expect(filesWith('sesame')).toEqual(['bluetick.mdb', 'journal/1'])
  execFileSync(process.execPath, ['dist/src/cli/main.js', 'compact', '--data', data])
  expect(filesWith('sesame')).toEqual([])
  expect(filesWith('whisper')).toEqual([])
  expect(filesWith('kept for ever')).toEqual(['bluetick.mdb'])
})
