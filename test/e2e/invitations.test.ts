/** Who may add whom to a group: who is blocked reaches nobody by it, and who must be asked first gets an invitation. */
import { afterEach, describe, expect, it } from 'vitest'
import { createNode, memoryStore } from '../../src/index.ts'
import { closeAll, type Frame, enter as open, type Raw } from './raw.ts'

const store = memoryStore()
let node: ReturnType<typeof createNode>
let url: string
async function start(): Promise<void> {
  node = createNode({ store, onlineMs: 0 })
  url = (await node.listen({ port: 0 })).url
}
afterEach(async () => {
  closeAll()
  await node.close()
})

let count = 0
/** Names of one test alone. */
const of = (name: string) => `${name}-${test}`
let test = 0
const enter = (name: string) => open(url, of(name))

/** Sends something, and answers how that was answered. */
async function send(user: Raw, to: string, body: string, change?: string): Promise<unknown> {
  count += 1
  const id = `00000000-0000-7000-8000-${String(count).padStart(12, '0')}`
  user.say('send', id, to, body, false, null, change ?? null)
  let answer: Frame | undefined
  await expect
    .poll(() => {
      answer = [...user.of('sent'), ...user.of('error')].find((frame) => frame[1] === id || frame[3] === id)
      return answer
    })
    .toBeDefined()
  return answer?.[0] === 'sent' ? 'sent' : answer?.[1]
}

async function set(user: Raw, name: string, value: unknown, on = true): Promise<void> {
  const before = user.of('done').length
  user.say('set', `${name} ${value}`, name, value, on)
  await expect.poll(() => user.of('done').length).toBe(before + 1)
}

async function members(user: Raw, group: string): Promise<unknown> {
  const before = user.of('group').length
  user.say('members', group)
  await expect.poll(() => user.of('group').length).toBe(before + 1)
  return user.of('group').at(-1)?.[5]
}

/** What came to somebody of a group: what it changes, and its text. */
const seen = (user: Raw) =>
  user.of('message').map((frame) => [(frame[7] as { change?: string } | undefined)?.change ?? null, frame[5]])

/** They write to themselves: what was sent before has come by then. */
async function caughtUp(user: Raw, name: string): Promise<void> {
  await node.send({ from: of(name), to: of(name), body: 'now' })
  await expect.poll(() => seen(user).at(-1)).toEqual([null, 'now'])
}

async function teamOf(name: string): Promise<readonly [Raw, string]> {
  const [founder, group] = [await enter(name), `#${of('team')}`]
  expect(await send(founder, group, 'Team', 'create')).toBe('sent')
  return [founder, group]
}

describe('who is asked first', () => {
  it.each([
    ['is blocked', 'blocked', 'mallory', []],
    ['may not write', 'writers', 'nobody', []],
    ['may add nobody', 'groups', 'nobody', [['invite', 'Team']]],
    ['is no contact', 'groups', 'contacts', [['invite', 'Team']]],
  ])('because the other %s is no member, and the other cannot tell why', async (_why, name, value, got) => {
    test += 1
    await start()
    const bob = await enter('bob')
    await set(bob, name, name === 'blocked' ? of(value) : value)
    const [mallory, group] = await teamOf('mallory')
    expect(await send(mallory, group, of('bob'), 'add')).toBe('sent')
    expect(await send(mallory, group, 'hello?')).toBe('sent')
    expect(await members(mallory, group)).toEqual([of('mallory')])
    await caughtUp(bob, 'bob')
    expect(seen(bob).slice(0, -1)).toEqual(got)
    bob.say('ack', seen(bob).length)
    expect(await send(mallory, group, of('bob'), 'add'), 'once is enough').toBe('no_change')
    mallory.say('ticks', group, 3)
    await expect.poll(() => mallory.of('ticked').at(-1)).toEqual(['ticked', group, 3, [], []])
    expect(seen(mallory)).toEqual([
      ['create', 'Team'],
      ['add', `\n${of('bob')}`],
    ])
    expect(mallory.of('receipt'), 'no tick says that bob is here').toEqual([])
  })

  it('is added where they are a contact, with those who are asked in one change', async () => {
    test += 1
    await start()
    const [bob, cat] = [await enter('bob'), await enter('cat')]
    await set(bob, 'groups', 'contacts')
    await set(bob, 'contacts', of('ann'))
    await set(cat, 'groups', 'nobody')
    const [ann, group] = await teamOf('ann')
    await send(ann, group, [of('bob'), of('cat'), of('dan')].join('\n'), 'add')
    const added = ['add', [of('bob'), of('dan'), '', of('cat')].join('\n')]
    await expect.poll(() => seen(bob)).toEqual([added])
    await expect.poll(() => seen(cat)).toEqual([['invite', 'Team']])
    expect(await members(ann, group)).toEqual([of('ann'), of('bob'), of('dan')])
  })
})

describe('an invitation', () => {
  it('makes who accepts it a member, also after a restart of the node', async () => {
    test += 1
    await start()
    let bob = await enter('bob')
    await set(bob, 'groups', 'nobody')
    let [ann, group] = await teamOf('ann')
    await send(ann, group, 'before')
    await send(ann, group, of('bob'), 'add')
    await send(ann, group, 'between')
    await expect.poll(() => seen(bob)).toEqual([['invite', 'Team']])
    await node.close()
    await start()
    ann = await enter('ann')
    bob = await enter('bob')
    expect(await send(bob, group, '', 'join')).toBe('sent')
    expect(await send(bob, group, '', 'join')).toBe('no_change')
    expect(await members(ann, group)).toEqual([of('ann'), of('bob')])
    await send(ann, group, 'welcome')
    await expect
      .poll(() => seen(bob))
      .toEqual([
        ['invite', 'Team'],
        ['join', ''],
        [null, 'welcome'],
      ])
    await expect.poll(() => seen(ann).at(-1)).toEqual(['join', ''])
  })

  it('is what who left gets, however often they are added; nobody joins without, nor after it was taken back', async () => {
    test += 1
    await start()
    const [bob, eve] = [await enter('bob'), await enter('eve')]
    const [ann, group] = await teamOf('ann')
    await send(ann, group, of('bob'), 'add')
    expect(await send(bob, group, '', 'leave')).toBe('sent')
    for (let n = 0; n < 5; n++) await send(ann, group, of('bob'), 'add')
    expect(await members(ann, group)).toEqual([of('ann')])
    await caughtUp(bob, 'bob')
    expect(seen(bob).slice(0, -1)).toEqual([
      ['add', of('bob')],
      ['leave', ''],
      ['invite', 'Team'],
    ])
    expect(await send(eve, group, '', 'join')).toBe('not_a_member')
    expect(await send(ann, group, of('bob'), 'remove')).toBe('sent')
    expect(await send(bob, group, '', 'join')).toBe('not_a_member')
    await send(ann, group, of('bob'), 'add')
    expect(await send(bob, group, '', 'join')).toBe('sent')
    expect(await members(ann, group)).toEqual([of('ann'), of('bob')])
  })

  it('cannot be sent by a client', async () => {
    test += 1
    await start()
    const [ann, group] = await teamOf('ann')
    expect(await send(ann, group, 'Team', 'invite')).toBe('bad_frame')
    expect(await send(ann, of('bob'), '', 'join')).toBe('bad_frame')
  })
})

describe('ticks', () => {
  it('of who is blocked say nothing of who has blocked them: of two, and in a group only of the others', async () => {
    test += 1
    await start()
    const [bob, mallory, group] = [await enter('bob'), ...(await teamOf('mallory'))]
    const cat = await enter('cat')
    await send(mallory, of('bob'), 'while we talked')
    await send(mallory, group, [of('bob'), of('cat')].join('\n'), 'add')
    await expect.poll(() => seen(bob)).toHaveLength(2)
    await set(bob, 'blocked', of('mallory'))
    await send(mallory, group, 'are you there?')
    await expect.poll(() => seen(bob)).toHaveLength(3)
    bob.say('ack', 3)
    bob.say('read', of('mallory'), 1)
    await expect.poll(() => bob.of('done').at(-1)).toEqual(['done', 'read', of('mallory'), 1])
    bob.say('read', group, 3)
    await expect.poll(() => bob.of('done').at(-1)).toEqual(['done', 'read', group, 3])
    mallory.say('ticks', group, 3)
    await expect.poll(() => mallory.of('ticked').at(-1)).toEqual(['ticked', group, 3, [], []])
    // Of what was there before they came, that they need not have it.
    expect(mallory.of('receipt').filter((frame) => Number(frame[4]) > 1)).toEqual([])
    // Of the others she is told as before.
    await expect.poll(() => seen(cat)).toHaveLength(2)
    cat.say('ack', 2)
    await expect.poll(() => mallory.of('receipt').at(-1)?.slice(4)).toEqual([3, 1])
    mallory.say('ticks', group, 3)
    await expect.poll(() => mallory.of('ticked').at(-1)).toEqual(['ticked', group, 3, [of('cat')], []])
    expect(mallory.of('receipt').filter((frame) => frame[2] === of('bob'))).toEqual([])
  })
})
