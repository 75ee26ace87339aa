/** Who is banned comes in no more: not by a socket, not over HTTP, not after a restart. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { createNode, fileMedia, type Identity, lmdbStore, memoryStore, type Store } from '../../src/index.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'bluetick-bans-'))
const nodes: ReturnType<typeof createNode>[] = []
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close()
})
async function start(options: Partial<Parameters<typeof createNode>[0]> = {}) {
  const node = createNode({ store: memoryStore(), media: fileMedia(folder()), ...options })
  nodes.push(node)
  const { url } = await node.listen({ port: 0 })
  const ends = async (user: string) => {
    const client = connect({ url, token: user })
    await expect.poll(() => client.connection.is).toMatch(/online|closed/)
    const { connection } = client
    await client.close()
    return connection.is === 'closed' ? connection.code : connection.is
  }
  const media = (user: string) =>
    fetch(`${url.replace('ws', 'http')}/media/${'0'.repeat(64)}`, { headers: { authorization: `Bearer ${user}` } })
  return { node, url, ends, media }
}

describe('a user who is banned', () => {
  it('is disconnected for good, and refused by a socket and over HTTP; others are not', async () => {
    const { node, url, ends, media } = await start()
    const [mallory, alice] = [connect({ url, token: 'mallory' }), connect({ url, token: 'alice' })]
    await expect.poll(() => [mallory.connection.is, alice.connection.is]).toEqual(['online', 'online'])
    await node.ban('mallory')
    await expect.poll(() => mallory.connection).toEqual({ is: 'closed', code: 'banned' })
    expect(await ends('mallory')).toBe('banned')
    const refused = await media('mallory')
    expect([refused.status, (await refused.json()).error]).toEqual([403, 'banned'])
    expect((await media('alice')).status).toBe(404)
    expect(alice.connection.is).toBe('online')
    await alice.send('mallory', 'you can read this when you may come again')
    expect(await node.bans()).toEqual(['mallory'])
    await node.unban('mallory')
    expect(await ends('mallory')).toBe('online')
    await expect(node.ban('#team')).rejects.toMatchObject({ code: 'bad_id' })
    await alice.close()
  })

  it('stays so when the node starts again', async () => {
    const data = folder()
    const first = await start({ store: lmdbStore(data) })
    for (const user of ['mallory', 'eve']) await first.node.ban(user)
    await first.node.unban('eve')
    await first.node.close()
    const { ends } = await start({ store: lmdbStore(data) })
    expect([await ends('mallory'), await ends('eve')]).toEqual(['banned', 'online'])
  })

  it('does not come in by a check that was under way', async () => {
    const answers: ((identity: Identity) => void)[] = []
    const { node, url } = await start({ authenticate: () => new Promise((resolve) => answers.push(resolve)) })
    const mallory = connect({ url, token: 'mallory' })
    await expect.poll(() => answers.length).toBe(1)
    await node.ban('mallory')
    answers[0]?.({ user: 'mallory' })
    await expect.poll(() => mallory.connection).toEqual({ is: 'closed', code: 'banned' })
  })

  it('is not banned where the store did not take it', async () => {
    const store: Store = { ...memoryStore(), saveBan: () => Promise.reject(new Error('the disk is full')) }
    const { node, ends } = await start({ store })
    await expect(node.ban('mallory')).rejects.toThrow('the disk is full')
    expect(await ends('mallory')).toBe('online')
  })
})

describe('operators', () => {
  it('ban over HTTP with their token, and are told what is wrong', async () => {
    const { node, url } = await start({
      authenticate: (token) => (token ? { user: token } : undefined),
      operatorToken: 'operator',
    })
    const ask = async (method: string, path: string, token = 'operator') => {
      const headers = { authorization: `Bearer ${token}` }
      const answer = await fetch(`${url.replace('ws', 'http')}/admin/v1${path}`, { method, headers })
      return [answer.status, await answer.json()]
    }
    expect(await ask('PUT', '/bans/mallory', 'alice')).toMatchObject([403, { error: 'not_an_operator' }])
    expect(await ask('GET', '/bans/mallory')).toMatchObject([405, { error: 'wrong_method' }])
    expect(await ask('PUT', '/bans/%00')).toMatchObject([400, { error: 'bad_id' }])
    expect(await ask('PUT', '/bans/%zz')).toMatchObject([400, { error: 'bad_id' }])
    expect(await ask('PUT', '/bans/')).toMatchObject([400, { error: 'bad_id' }])
    expect(await node.bans()).toEqual([])
    for (const user of ['mallory', 'mal%20lory'])
      expect(await ask('PUT', `/bans/${user}`)).toEqual([200, { banned: true }])
    expect(await ask('GET', '/bans')).toEqual([200, { bans: ['mal lory', 'mallory'] }])
    for (const was of [true, false]) expect(await ask('DELETE', '/bans/mallory')).toEqual([200, { was }])
    expect(await ask('DELETE', '/users/alice/sessions?device=phone')).toEqual([200, { ended: 0 }])
    expect(await node.bans()).toEqual(['mal lory'])
  })

  it('type it', async () => {
    const data = folder()
    const run = async (...args: string[]) => {
      const command = spawn(process.execPath, ['dist/src/cli/main.js', ...args, '--url', url, '--data', data])
      let out = ''
      for (const stream of [command.stdout, command.stderr])
        stream.on('data', (text) => {
          out += text
        })
      const [code] = await once(command, 'close')
      return [code, out.trim()]
    }
    const { url, ends } = await start()
    expect(await run('ban', 'mallory')).toEqual([0, 'mallory is banned. bluetick unban mallory lets them in again.'])
    expect(await run('bans')).toEqual([0, 'mallory'])
    expect(await ends('mallory')).toBe('banned')
    expect(await run('unban', 'mallory')).toEqual([0, 'mallory may connect again.'])
    expect(await run('unban', 'mallory')).toEqual([0, 'mallory was not banned.'])
    expect(await ends('mallory')).toBe('online')
    expect(await run('disconnect', 'alice', '--device', 'phone')).toEqual([0, 'alice on phone was not connected.'])
    const alice = connect({ url, token: 'alice' })
    await expect.poll(() => alice.connection.is).toBe('online')
    expect(await run('disconnect', 'alice')).toEqual([0, 'Ended 1 session of alice.'])
    await alice.close()
    expect(await run('ban')).toEqual([2, 'bluetick ban: whom? bluetick ban USER'])
    expect(await run('ban', '#team')).toEqual([
      1,
      'bluetick ban: the message was refused: not a valid user, device or message id',
    ])
  })
})
