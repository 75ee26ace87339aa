/** A device that was removed is out: its token is of no more use, not on another connection, not over HTTP, not after a restart. */
import { createHmac } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { createNode, fileMedia, jwtAuthenticate, lmdbStore } from '../../src/index.ts'

const secret = new TextEncoder().encode('a secret of at least thirty-two bytes')
function token(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'HS256' })}.${part({ sub: 'alice', ...claims })}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
const seconds = Math.floor(Date.now() / 1000)

it('a device that was removed needs a token of later', async () => {
  const data = mkdtempSync(join(tmpdir(), 'bluetick-removed-'))
  const start = async () => {
    const media = fileMedia(join(data, 'media'))
    const node = createNode({ store: lmdbStore(data), media, authenticate: jwtAuthenticate(secret) })
    return { node, ...(await node.listen({ port: 0 })) }
  }
  const first = await start()
  let { url } = first
  const ends = async (token: string, device?: string) => {
    const client = connect({ url, token, ...(device && { device }) })
    await expect.poll(() => client.connection.is).toMatch(/online|closed/)
    const { connection } = client
    await client.close()
    return connection.is === 'closed' ? connection.code : connection.is
  }
  const fetches = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${url.replace('ws', 'http')}/media/${'0'.repeat(64)}`, { headers })).status
  }
  const [stolen, unbound, without] = [
    token({ device: 'phone', iat: seconds - 3_600 }),
    token({ iat: seconds - 3_600 }),
    token({ device: 'phone' }),
  ]
  const laptop = connect({ url, token: token({ device: 'laptop', iat: seconds - 3_600 }) })
  const phone = connect({ url, token: stolen })
  await expect.poll(() => [laptop.connection.is, phone.connection.is]).toEqual(['online', 'online'])
  expect(await fetches(stolen)).toBe(404)
  await laptop.removeDevice('phone')
  await expect.poll(() => phone.connection).toEqual({ is: 'closed', code: 'removed' })

  const isOut = async () => {
    expect(await ends(stolen)).toBe('removed')
    expect(await ends(without)).toBe('removed')
    expect(await ends(unbound, 'phone')).toBe('removed')
    expect(await ends(unbound, 'burner')).toBe('bad_token')
    expect([await fetches(stolen), await fetches(without)]).toEqual([401, 401])
  }
  await isOut()
  const fresh = token({ device: 'phone', iat: seconds + 3_600 })
  expect(await ends(fresh)).toBe('online')
  await isOut()
  expect(await fetches(fresh)).toBe(404)
  expect(laptop.connection.is).toBe('online')
  await laptop.close()
  await first.node.close()
  const second = await start()
  url = second.url
  await isOut()
  expect(await ends(fresh)).toBe('online')
  expect(await ends(unbound, 'laptop')).toBe('online')
  await second.node.close()
})
