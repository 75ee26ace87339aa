/** Pictures and other files in a cluster: on whatever nodes they are uploaded, sent, loaded and deleted. */
import { mkdtempSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { folderBucket, type KnownCluster, sharedMedia } from '../../src/index.ts'
import { mediaRecords } from '../../src/store/memory/media.ts'
import { idOf, png } from '../contracts/media.ts'
import { cluster, type Member, person, shards, userOf } from './nodes.ts'

const mediaOf = ({ url }: Member, id: string) => `${url.replace('ws', 'http')}/media/${id}`

it('what was uploaded at one node is loaded from another as long as a message has it, and then gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-media-'))
  const bucket = join(folder, 'bucket')
  const store = { media: mediaRecords() }
  const own = (name: string) => ({
    media: sharedMedia({ store, bucket: folderBucket(bucket), spool: join(folder, name) }),
  })
  const start = await cluster()
  const [a, b] = [await start('a', own('a')), await start('b', own('b'))]
  const known = ({ node }: Member) => node.cluster() as KnownCluster
  await expect.poll(() => known(a).shards.length + known(b).shards.length).toBe(shards)
  await expect.poll(() => known(b).shards.length).toBeGreaterThan(0)
  const [ann, bob] = [person(userOf(known(b).shards[0] as number), a), person(userOf(known(a).shards[0] as number), b)]
  const content = png('a picture')
  const id = idOf(content)
  const headers = { authorization: `Bearer ${ann.name}` }
  const uploaded = await fetch(mediaOf(a, id), { method: 'PUT', headers, body: content })
  expect(uploaded.status).toBe(201)
  const media = { id, type: 'image/png', size: content.length }
  await ann.client.send(bob.name, 'look', { media })
  await expect.poll(() => bob.bodies()).toEqual(['look'])
  for (const node of [a, b]) {
    const loaded = await fetch(mediaOf(node, id), { headers: { authorization: `Bearer ${bob.name}` } })
    expect(Buffer.from(await loaded.arrayBuffer())).toEqual(content)
  }
  await a.node.deleteChat(bob.name, ann.name)
  expect((await fetch(mediaOf(a, id), { headers })).status).toBe(200)
  await b.node.deleteChat(ann.name, bob.name)
  const files = async () =>
    (await readdir(bucket, { recursive: true, withFileTypes: true })).filter(
      (file) => file.isFile() && file.name !== '.bluetick-media',
    )
  await expect.poll(files).toEqual([])
  expect((await fetch(mediaOf(b, id), { headers })).status).toBe(404)
})
