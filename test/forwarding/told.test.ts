/** What a node has to tell a device of its user that is connected to another node. */
import { afterEach, expect, it } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { connect } from '../../src/client/index.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { through } from '../client/e2ee/spoilt.ts'
import { closeAll, enter } from '../e2e/raw.ts'
import { cluster, type Member } from './nodes.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  closeAll()
  for (const end of ends.splice(0)) await end()
})

/** A device with keys, and all that its node says. */
async function device(at: Member, user: string, name: string) {
  const heard: ServerFrame[] = []
  const transport = through((frame) => {
    heard.push(frame)
    return frame
  })
  const keys = e2ee()
  const client = connect({ url: at.url, token: user, device: name, transport, e2ee: keys })
  ends.push(() => client.close())
  await keys.place()
  return { keys, heard }
}

it('a device hears that its prekeys run out, and of a device that comes, also where that was seen by another node', async () => {
  const start = await cluster({ e2ee: 'allowed', limits: { claimsOfOne: 100 } })
  const [one, other] = [await start('one'), await start('other')]
  const phone = await device(other, 'bob', 'phone')
  const claimer = await enter(one.url, 'alice')
  for (let n = 0; n < 76; n++) claimer.say('claim', `claim ${n}`, 'bob', 'bob')
  await expect.poll(() => claimer.of('bundles').length).toBe(76)
  await expect.poll(() => phone.heard.filter(([kind]) => kind === 'low')).toEqual([['low', 24]])

  const laptop = await device(one, 'bob', 'laptop')
  const code = await laptop.keys.code()
  await phone.keys.approve(code)
  const news = () => laptop.heard.filter((frame) => frame[0] === 'links' && frame[2] === 0).map((frame) => frame[3])
  await expect.poll(news).toEqual([2])
})
