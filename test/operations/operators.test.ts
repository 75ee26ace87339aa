/** What operators may do over HTTP, who counts as one, and what they hear. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, it } from 'vitest'
import type { NodeEvent } from '../../src/embed/events.ts'
import { SendRefused } from '../../src/embed/post.ts'
import { operationNames, operations } from '../../src/operations/admin.ts'
import { Audit } from '../../src/operations/audit.ts'
import { Operators } from '../../src/operations/operators.ts'
import { adminRoute } from '../../src/operations/routes.ts'

type Asked = { readonly headers?: Record<string, string>; readonly address?: string; readonly body?: unknown }

/** What a node is told by operators; `failing`: it cannot do it. */
function operated(given: Partial<ConstructorParameters<typeof Operators>[0]> = {}, failing?: Error) {
  const told: unknown[] = []
  const events: NodeEvent[] = []
  const onEvent = (event: NodeEvent) => void events.push(event)
  let time = 1
  const audit = new Audit(onEvent, { monotonic: () => time })
  const note =
    <Answer>(what: string, answer: Answer) =>
    async (...args: unknown[]) => {
      if (failing) throw failing
      told.push([what, ...args])
      return answer
    }
  const route = adminRoute({
    operators: new Operators({
      token: 'right',
      open: false,
      limits: { wrongTokensPerMinute: 300 },
      clock: { monotonic: () => time },
      ...given,
    }),
    onEvent,
    audit,
    node: {
      inspect: async (user: string) => (user === 'nobody' ? undefined : note('inspect', { user })(user)),
      trace: note('trace', []),
      stats: () => ({ sessions: 2 }),
      sessions: note('sessions', []),
      online: note('online', { users: [], count: 0 }),
      users: note('users', { users: ['ann'], next: null }),
      exportUser: note('exportUser', undefined),
      erasures: note('erasures', []),
      eraseUser: note('eraseUser', { user: 'ann', left: [], undone: [], stays: [] }),
      bans: note('bans', ['ben']),
      deadWebhooks: note('dead', []),
      ban: note('ban', undefined),
      unban: note('unban', false),
      disconnect: note('disconnect', 3),
      deleteMessage: note('deleteMessage', ['ann']),
      send: note('send', { epoch: 7, seq: 1 }),
      broadcast: note('broadcast', []),
      createGroup: note('createGroup', '#team'),
      changeGroup: note('changeGroup', { epoch: 7, seq: 2 }),
      group: note('group', { id: '#team' }),
    } as never,
  })
  const ask = async (asked: string, { headers = bearing, address = '127.0.0.1', body }: Asked = {}) => {
    const [method = '', url = ''] = asked.split(' ')
    const [path = '', query = ''] = url.split('?')
    const all: Record<string, string> = { host: 'localhost', 'content-type': 'application/json', ...headers }
    const chunks = (async function* () {
      if (body !== undefined) yield Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    })()
    const request = {
      method,
      path: `/admin/v1${path}`,
      query,
      address,
      header: (name: string) => all[name] ?? '',
      body: chunks,
    }
    const answer = await route(request)
    return { status: answer?.status, body: JSON.parse(String(answer?.body)) }
  }
  const status = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).status
  const passes = (ms: number) => {
    time += ms
  }
  return { route, ask, status, told, events, audit, passes }
}
const bearing = { authorization: 'Bearer right' }

it.each<[string, unknown, unknown[], object]>([
  ['GET /users/ann', undefined, ['inspect', 'ann'], { user: 'ann' }],
  ['GET /users/ann/sessions', undefined, ['sessions', 'ann'], { sessions: [] }],
  ['DELETE /users/ann/sessions', undefined, ['disconnect', 'ann', undefined], { ended: 3 }],
  ['DELETE /users/ann/sessions?device=phone', undefined, ['disconnect', 'ann', 'phone'], { ended: 3 }],
  ['GET /online', undefined, ['online', {}], { users: [], count: 0 }],
  ['GET /online?after=ann&limit=5', undefined, ['online', { after: 'ann', limit: 5 }], { users: [], count: 0 }],
  ['GET /users', undefined, ['users', {}], { users: ['ann'], next: null }],
  ['GET /users?after=ann&limit=5', undefined, ['users', { after: 'ann', limit: 5 }], { users: ['ann'], next: null }],
  ['DELETE /users/ann', undefined, ['eraseUser', 'ann'], { user: 'ann', left: [], undone: [], stays: [] }],
  ['GET /erasures', undefined, ['erasures'], { erasures: [] }],
  ['GET /bans', undefined, ['bans'], { bans: ['ben'] }],
  ['GET /webhooks/dead', undefined, ['dead'], { dead: [] }],
  ['PUT /bans/ann%40chat.example', undefined, ['ban', 'ann@chat.example'], { banned: true }],
  ['DELETE /bans/ann', undefined, ['unban', 'ann'], { was: false }],
  ['GET /messages/m1', undefined, ['trace', 'm1'], { steps: [] }],
  ['DELETE /messages/m1', undefined, ['deleteMessage', 'm1'], { deleted: ['ann'] }],
  [
    'POST /messages',
    { from: 'shop', to: 'ann', body: 'hi' },
    ['send', { from: 'shop', to: 'ann', body: 'hi' }],
    { at: { epoch: 7, seq: 1 } },
  ],
  [
    'POST /broadcasts',
    { from: 'shop', to: ['ann'], body: 'hi' },
    ['broadcast', { from: 'shop', to: ['ann'], body: 'hi' }],
    { results: [] },
  ],
  ['POST /groups', { by: 'ann', name: 'Team' }, ['createGroup', { by: 'ann', name: 'Team' }], { group: '#team' }],
  ['GET /groups/%23team', undefined, ['group', '#team'], { id: '#team' }],
  [
    'POST /groups/%23team/changes',
    { by: 'ann', change: 'add', value: 'ben' },
    ['changeGroup', { by: 'ann', group: '#team', change: 'add', value: 'ben' }],
    { at: { epoch: 7, seq: 2 } },
  ],
])('%s is done, and answered in JSON', async (asked, body, does, answer) => {
  const { ask, told } = operated()
  expect(await ask(asked, { body })).toEqual({ status: 200, body: answer })
  expect(told).toEqual([does])
})

it('counters are answered', async () => {
  expect(await operated().ask('GET /stats')).toEqual({ status: 200, body: { sessions: 2 } })
})

it.each([
  ['no token', {}],
  ['a wrong token', { authorization: 'Bearer wrong' }],
  ['a token that only begins right', { authorization: 'Bearer right!' }],
  ['a token of as many letters and more bytes', { authorization: 'Bearer righä' }],
])('who shows %s may do nothing, not even on this machine, and the log says so', async (_, headers) => {
  const { status, told, events } = operated({ open: true })
  expect(await status('PUT /bans/ann', { headers, address: '192.0.2.1' })).toBe(403)
  expect([told, events]).toEqual([[], [{ event: 'refused', code: 'bad_token', address: '192.0.2.1' }]])
})

it('too many wrong tokens of one address hold up right ones from there for a while, and no others', async () => {
  let now = 1
  const { status, events } = operated({ limits: { wrongTokensPerMinute: 5 }, clock: { monotonic: () => now } })
  const wrong = { headers: { authorization: 'Bearer wrong' }, address: '192.0.2.1' }
  for (let n = 0; n < 20; n++) expect(await status('GET /bans', { headers: {}, address: '192.0.2.1' })).toBe(403)
  for (let n = 0; n < 5; n++) expect(await status('GET /bans', wrong)).toBe(403)
  expect(await status('GET /bans', { address: '192.0.2.1' })).toBe(429)
  expect(events.at(-1)).toEqual({ event: 'refused', code: 'too_many_attempts', address: '192.0.2.1' })
  expect(await status('GET /bans', { address: '192.0.2.2' })).toBe(200)
  now += 60_000
  expect(await status('GET /bans', { address: '192.0.2.1' })).toBe(200)
})

it('a token that changes counts as it is now', async () => {
  let token = 'first'
  const { status } = operated({ token: () => token })
  expect(await status('GET /bans', { headers: { authorization: 'bearer first' } })).toBe(200)
  token = 'other'
  expect(await status('GET /bans', { headers: { authorization: 'bearer first' } })).toBe(403)
  expect(await status('GET /bans', { headers: { authorization: 'other' } })).toBe(200)
})

it('where nobody is asked for tokens and operators have none, this machine may: no page, no proxy and no stranger', async () => {
  const { status } = operated({ token: undefined, open: true })
  expect(await status('GET /bans', { headers: {} })).toBe(200)
  for (const headers of [{ origin: 'http://localhost' }, { 'x-forwarded-for': '192.0.2.1' }, { host: 'chat.example' }])
    expect(await status('GET /bans', { headers: headers as Record<string, string> })).toBe(403)
  expect(await status('GET /bans', { headers: {}, address: '192.0.2.1' })).toBe(403)
  const closed = operated({ token: undefined, open: false })
  expect(await closed.status('GET /bans', { headers: {} })).toBe(403)
})

it.each<[string, string, unknown, number, string]>([
  ['a user of whom nothing is known', 'GET /users/nobody', undefined, 404, 'not_found'],
  ['a path that is none', 'GET /user/ann', undefined, 404, 'not_found'],
  ['another method', 'POST /bans/ann', {}, 405, 'wrong_method'],
  ['what is no JSON', 'POST /messages', '{', 400, 'bad_request'],
  ['a list for an object', 'POST /messages', [], 400, 'bad_request'],
  ['a field too few', 'POST /messages', { from: 'a', to: 'b' }, 400, 'bad_request'],
  ['a field too many', 'POST /messages', { from: 'a', to: 'b', body: 'c', d: 1 }, 400, 'bad_request'],
  ['a field that cannot be asked', 'GET /bans?user=ann', undefined, 400, 'bad_request'],
  ['a field of another type', 'POST /broadcasts', { from: 'a', to: 'b', body: 'c' }, 400, 'bad_request'],
  ['a change that is none', 'POST /groups/%23t/changes', { by: 'a', change: 'create', value: 'x' }, 400, 'bad_request'],
  ['a body that is too long', 'POST /messages', 'x'.repeat(2 ** 20 + 1), 400, 'bad_request'],
])('%s is told, and nothing is done', async (_, asked, body, status, error) => {
  const { ask, told } = operated()
  expect(await ask(asked, { body })).toMatchObject({ status, body: { error, retry: false, text: expect.any(String) } })
  expect(told).toEqual([])
})

it('a body of another type is not read', async () => {
  const { ask } = operated()
  const headers = { ...bearing, 'content-type': 'text/plain' }
  expect(await ask('POST /messages', { headers, body: '{}' })).toMatchObject({
    status: 400,
    body: { error: 'bad_request' },
  })
})

it('a name that nobody can have is refused, and what fails may be tried again', async () => {
  const refused = operated({}, new SendRefused('bad_id', ''))
  expect(await refused.ask('PUT /bans/x')).toMatchObject({ status: 400, body: { error: 'bad_id', retry: false } })
  const busy = operated({}, new SendRefused('busy', ''))
  expect(await busy.ask('DELETE /messages/m1')).toMatchObject({ status: 503, body: { error: 'busy', retry: true } })
  const failing = operated({}, new Error('disk full'))
  expect(await failing.ask('PUT /bans/ann')).toEqual({
    status: 503,
    body: { error: 'unavailable', text: 'It is not done; try again: disk full', retry: true },
  })
})

it('the log has each call of an operator, with whom it was about, and nothing that users write', async () => {
  const { ask, events } = operated()
  const address = '192.0.2.1'
  await ask('PUT /bans/ann', { address })
  await ask('POST /messages', { address, body: { from: 'shop', to: 'ann', body: 'a secret' } })
  await ask('POST /broadcasts', { address, body: { from: 'shop', to: ['ann', 'ben'], body: 'a secret' } })
  await ask('POST /groups/%23team/changes', { address, body: {} })
  await ask('POST /groups/%23team/changes', { address, body: { by: 'ann', change: 'add', value: 'ben' } })
  await ask('DELETE /users/ann/sessions?device=phone', { address })
  await ask('POST /messages', { address, body: { from: 'x'.repeat(5_000), body: 'a secret' } })
  const event = 'operated'
  expect(events).toEqual([
    { event, operation: 'ban', user: 'ann', address, status: 200 },
    { event, operation: 'send', from: 'shop', to: 'ann', address, status: 200 },
    { event, operation: 'broadcast', from: 'shop', to: 2, address, status: 200 },
    { event, operation: 'change-group', group: '#team', address, status: 400 },
    { event, operation: 'change-group', group: '#team', by: 'ann', change: 'add', address, status: 200 },
    { event, operation: 'disconnect', user: 'ann', device: 'phone', address, status: 200 },
    { event, operation: 'send', from: 'x'.repeat(256), address, status: 400 },
  ])
})

it('the log has what only reads as well: the first call, and then how many there were', async () => {
  const { ask, events, audit, passes } = operated()
  const address = '192.0.2.1'
  const event = { event: 'operated', address, status: 200 }
  for (let n = 0; n < 100; n++) await ask('GET /stats', { address })
  await ask('GET /users/ann', { address })
  await ask('GET /users/ben', { address })
  for (let n = 0; n < 2; n++) await ask('PUT /bans/ann', { address })
  const [stats, ann] = [
    { ...event, operation: 'stats' },
    { ...event, operation: 'user', user: 'ann' },
  ]
  const ban = { ...event, operation: 'ban', user: 'ann' }
  expect(events.splice(0)).toEqual([stats, ann, { ...ann, user: 'ben' }, ban, ban])
  passes(599_999)
  await ask('GET /stats', { address })
  expect(events).toEqual([])
  passes(1)
  await ask('GET /stats', { address })
  expect(events.splice(0)).toEqual([{ ...stats, calls: 101 }])
  await ask('GET /stats', { address })
  await ask('GET /stats', { address: '192.0.2.2' })
  expect(events.splice(0)).toEqual([{ ...stats, address: '192.0.2.2' }])
  audit.end()
  expect(events).toEqual([{ ...stats, calls: 1 }])
})

it('what is read of more users than the log remembers is told again', async () => {
  const { ask, events } = operated()
  for (let n = 0; n < 2; n++) await ask('GET /users/ann')
  for (let n = 0; n < 1_000; n++) await ask(`GET /users/user-${n}`)
  await ask('GET /users/ann')
  const ofAnn = events.filter((event) => event.event === 'operated' && event.user === 'ann')
  expect(ofAnn.map((event) => 'calls' in event && event.calls)).toEqual([false, 1, false])
})

it('nobody else answers for what is not below /admin/v1', async () => {
  const request = {
    method: 'GET',
    path: '/bans',
    query: '',
    address: '',
    header: () => '',
    body: (async function* () {})(),
  }
  expect(await operated().route(request)).toBe(undefined)
})

it('docs/operations/admin.json is the OpenAPI document of it, as it is served', async () => {
  const { body } = await operated().ask('GET /openapi.json')
  const { valid, errors } = await new Validator().validate(structuredClone(body))
  expect([valid, errors]).toEqual([true, undefined])
  const described = Object.values(body.paths as Record<string, Record<string, { operationId: string }>>)
  const names = described.flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId))
  expect(names.sort()).toEqual([...operationNames].sort())
  for (const name of operationNames)
    expect(body.paths[operations[name].path][operations[name].method.toLowerCase()].operationId).toBe(name)
  await expect(`${JSON.stringify(body, null, 2)}\n`).toMatchFileSnapshot('../../docs/operations/admin.json')
})
