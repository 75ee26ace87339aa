/** What operators and programs do with users, groups and messages, and what clients see of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { type Client, connect, type Incoming } from '../../src/client/index.ts'
import { createNode, memoryStore } from '../../src/index.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function start() {
  const node = createNode({ store: memoryStore() })
  const { url } = await node.listen({ port: 0 })
  ends.push(() => node.close())
  const enter = (user: string, device = 'phone') => {
    const client = connect({ url, token: user, device })
    ends.push(() => client.close())
    return client
  }
  return { node, url, enter }
}

/** What comes to a client: bodies, or what a change does. */
function seenBy(client: Client): Incoming[] {
  const seen: Incoming[] = []
  void (async () => {
    for await (const message of client.messages()) {
      seen.push(message)
      message.read()
    }
  })()
  return seen
}
const bodies = (seen: readonly Incoming[]) => seen.map(({ body, change }) => (change ? `${change} ${body}` : body))

it('a group is made and changed by code as by its admin; what is repeated is done once', async () => {
  const { node, enter } = await start()
  const [ann, ben] = [seenBy(enter('ann')), seenBy(enter('ben'))]
  const id = '01932c5e-0000-7000-8000-000000000001'
  for (let n = 0; n < 2; n++)
    expect(await node.createGroup({ by: 'ann', name: 'Team', members: ['ben', 'ann', 'ben'], id })).toBe(`#${id}`)
  const group = `#${id}`
  expect(await node.group(group)).toMatchObject({ id: group, name: 'Team', admins: ['ann'], members: ['ann', 'ben'] })
  await node.changeGroup({ by: 'ann', group, change: 'promote', value: 'ben' })
  await node.changeGroup({ by: 'ben', group, change: 'rename', value: 'Crew' })
  await node.send({ from: 'ben', to: group, body: 'hello' })
  await expect.poll(() => bodies(ben)).toEqual(['add ben', 'promote ben', 'rename Crew'])
  await expect.poll(() => bodies(ann)).toEqual(['create Team', 'add ben', 'promote ben', 'rename Crew', 'hello'])
  await node.changeGroup({ by: 'ben', group, change: 'leave', value: '' })
  expect(await node.group(group)).toMatchObject({ name: 'Crew', members: ['ann'] })
  expect(await node.group('#none')).toBe(undefined)
  const refused = (change: object) =>
    node.changeGroup({ by: 'cat', group, change: 'rename', value: 'x', ...change } as never)
  await expect(refused({})).rejects.toMatchObject({ code: 'not_a_member' })
  await expect(refused({ group: 'ann' })).rejects.toMatchObject({ code: 'bad_id' })
  await expect(refused({ change: 'create' })).rejects.toMatchObject({ code: 'bad_frame' })
  await expect(refused({ change: 'history', value: 'all' })).rejects.toMatchObject({ code: 'bad_frame' })
  await expect(refused({ value: '' })).rejects.toMatchObject({ code: 'bad_frame' })
  await expect(refused({ valeu: '' })).rejects.toThrow(TypeError)
})

it('a group of more members than one message adds is made whole, and in the second try where the first broke off', async () => {
  const { node } = await start()
  const members = Array.from({ length: 150 }, (_, n) => `user ${n}`)
  const group = await node.createGroup({ by: 'ann', name: 'Many', members })
  expect((await node.group(group))?.members).toEqual(['ann', ...members])
  const id = '01932c5e-0000-7000-8000-000000000002'
  await node.createGroup({ by: 'ann', name: 'Many', members: members.slice(0, 64), id })
  await node.createGroup({ by: 'ann', name: 'Many', members, id })
  expect((await node.group(`#${id}`))?.members).toEqual(['ann', ...members])
})

it('those who are stored are listed page by page, and no group among them', async () => {
  const { node, enter } = await start()
  for (const name of ['bea', 'ben', 'cat', 'dan']) await node.send({ from: 'ann', to: name, body: 'hi' })
  for (const name of ['Team', 'Crew']) await node.createGroup({ by: 'ann', name, members: ['bea'] })
  const eve = enter('eve')
  await expect.poll(() => eve.connection.is).toBe('online')
  await expect.poll(async () => (await node.users()).users).toEqual(['ann', 'bea', 'ben', 'cat', 'dan', 'eve'])
  const pages: unknown[] = []
  for (let after: string | null | undefined; after !== null; ) {
    const page: { users: readonly string[]; next: string | null } = await node.users({
      limit: 2,
      ...(after && { after }),
    })
    pages.push(page.users)
    after = page.next
  }
  expect(pages.flat()).toEqual(['ann', 'bea', 'ben', 'cat', 'dan', 'eve'])
  expect(await node.users({ after: 'zoe' })).toEqual({ users: [], next: null })
  await expect(node.users({ limit: 0 })).rejects.toThrow(TypeError)
})

it('a broadcast comes to each in a chat of their own, once however often it is repeated, and says who was refused', async () => {
  const { node, enter } = await start()
  const [ann, ben] = [seenBy(enter('ann')), seenBy(enter('ben'))]
  const id = '01932c5e-0000-7000-8000-000000000003'
  const message = { from: 'shop', to: ['ann', '', 'ben'], body: 'We close early', id }
  const results = await node.broadcast(message)
  expect(results).toMatchObject([
    { to: 'ann', at: { seq: 1 } },
    { to: '', code: 'bad_id', retry: false },
    { to: 'ben', at: { seq: 1 } },
  ])
  expect(await node.broadcast(message)).toEqual(results)
  await expect.poll(() => [bodies(ann), bodies(ben)]).toEqual([['We close early'], ['We close early']])
  await expect(node.broadcast({ ...message, id: 'x' })).rejects.toMatchObject({ code: 'bad_id' })
  expect(await node.broadcast({ from: 'shop', to: ['cat'], body: 'hi' })).toMatchObject([{ to: 'cat', at: { seq: 1 } }])
})

it('a message is deleted for everybody: at its recipient, at the other device of its sender, and for who comes later', async () => {
  const { node, enter } = await start()
  const [ann, other, ben] = [enter('ann'), enter('ann', 'laptop'), enter('ben')]
  const gone: unknown[] = []
  for (const [name, client] of Object.entries({ other, ben }))
    client.on('gone', ({ chat, from, upTo }) => void gone.push([name, chat, from, upTo]))
  const [own, atBen]: [string[], Incoming[]] = [[], seenBy(ben)]
  other.on('message', ({ body, state }) => void (state === 'sent' && own.push(String(body))))
  seenBy(other)
  await expect.poll(() => other.connection.is).toBe('online')
  for (const body of ['first', 'a slip', 'last']) await ann.send('ben', body)
  await expect.poll(() => bodies(atBen)).toEqual(['first', 'a slip', 'last'])
  await expect.poll(() => own).toEqual(['first', 'a slip', 'last'])
  const slip = atBen[1]?.id ?? ''
  expect((await node.deleteMessage(slip)).toSorted()).toEqual(['ann', 'ben'])
  await expect.poll(() => gone.length).toBe(2)
  expect(gone).toContainEqual(['ben', 'ann', 2, 2])
  const late = seenBy(enter('ben', 'tablet'))
  await expect.poll(() => bodies(late)).toEqual(['first', 'last'])
  expect(await node.deleteMessage(slip)).toEqual([])
  await expect(node.deleteMessage('x')).rejects.toMatchObject({ code: 'bad_id' })
})

it('a message of a group is deleted there and at its members, so that who is added later does not see it; a change is not', async () => {
  const { node, enter } = await start()
  const group = await node.createGroup({ by: 'ann', name: 'Team', members: ['ben'] })
  const change = '01932c5e-0000-7000-8000-000000000005'
  await node.changeGroup({ by: 'ann', group, change: 'history', value: '100', id: change })
  const id = '01932c5e-0000-7000-8000-000000000004'
  await node.send({ from: 'ann', to: group, body: 'a slip', id })
  await node.send({ from: 'ann', to: group, body: 'better' })
  const ben = seenBy(enter('ben'))
  await expect.poll(() => bodies(ben).at(-1)).toBe('better')
  expect((await node.deleteMessage(id)).toSorted()).toEqual([group, 'ben'])
  await node.changeGroup({ by: 'ann', group, change: 'add', value: 'cat' })
  const cat = seenBy(enter('cat'))
  await expect.poll(() => bodies(cat)).toContain('better')
  expect(bodies(cat)).not.toContain('a slip')
  await expect(node.deleteMessage(change)).rejects.toMatchObject({ code: 'refused' })
})

it('operators type it, and see who is connected from where', async () => {
  const { url, enter } = await start()
  const ann = enter('ann')
  await expect.poll(() => ann.connection.is).toBe('online')
  const run = async (...args: string[]) => {
    const command = spawn(process.execPath, ['dist/src/cli/main.js', 'admin', ...args, '--url', url])
    let out = ''
    for (const stream of [command.stdout, command.stderr])
      stream.on('data', (text) => {
        out += text
      })
    const [code] = await once(command, 'close')
    return [code, out.trim()]
  }
  const asked = async (...args: string[]) => {
    const [code, out] = await run(...args)
    return [code, JSON.parse(String(out))]
  }
  expect(await asked('sessions', 'user=ann')).toEqual([
    0,
    { sessions: [{ device: 'phone', address: '127.0.0.1', away: false }] },
  ])
  expect(await asked('broadcast', 'from=shop', 'to=ann', 'to=ben', 'body=a = b')).toMatchObject([
    0,
    { results: [{ to: 'ann' }, { to: 'ben' }] },
  ])
  const [, { group }] = await asked('create-group', 'by=ann', 'name=Team', 'members=ben')
  expect(await asked('group', `group=${group}`)).toMatchObject([0, { name: 'Team', members: ['ann', 'ben'] }])
  expect((await run())[1]).toContain('change-group group=... by=... change=... value=... [id=...]')
  expect(await run('sesions')).toEqual([2, 'bluetick admin: there is no operation sesions; did you mean sessions?'])
  expect(await run('sessions')).toEqual([2, 'bluetick admin: it needs user=..., id of a user'])
  expect(await run('sessions', 'usr=ann')).toEqual([2, 'bluetick admin: "usr=ann" is not one of user=...'])
  expect(await run('group', 'group=#none')).toEqual([1, 'bluetick admin: the node knows nothing of that'])
})
