/** What operators may do over HTTP, who counts as one, and what they hear. */
import { expect, it } from 'vitest'
import { SendRefused } from '../../src/embed/program.ts'
import { operatorRoute } from '../../src/operations/routes.ts'

/** What a node is told by operators; `failing`: it cannot do it. */
function operated(given: Partial<Omit<Parameters<typeof operatorRoute>[0], 'node'>>, failing?: Error) {
  const told: unknown[] = []
  const note =
    <Answer>(what: string, answer: Answer) =>
    (...args: unknown[]) => {
      if (failing) throw failing
      told.push([what, ...args])
      return answer
    }
  const route = operatorRoute({
    token: 'right',
    open: false,
    ...given,
    node: {
      inspect: async (user) => (user === 'nobody' ? undefined : note('inspect', { user })(user)),
      trace: async (id) => note('trace', [])(id),
      stats: note('stats', { sessions: 2 }),
      bans: note('bans', ['ben']),
      ban: async (user) => note('ban', undefined)(user),
      unban: async (user) => note('unban', false)(user),
      disconnect: note('disconnect', 3),
    },
  })
  const ask = async (asked: string, headers: Record<string, string> = bearing, address = '127.0.0.1') => {
    const [method = '', url = ''] = asked.split(' ')
    const [path = '', query = ''] = url.split('?')
    const header = (name: string) => ({ host: 'localhost', ...headers })[name] ?? ''
    const answer = await route({ method, path, query, address, header, body: (async function* () {})() })
    return { status: answer?.status, body: answer?.body }
  }
  const status = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).status
  return { ask, status, told }
}
const bearing = { authorization: 'Bearer right' }

it.each([
  ['GET /inspect', ['stats'], { sessions: 2 }],
  ['GET /inspect?user=ann', ['inspect', 'ann'], { user: 'ann' }],
  ['GET /inspect?message=m1', ['trace', 'm1'], []],
  ['GET /bans', ['bans'], ['ben']],
  ['POST /ban?user=ann%40chat.example', ['ban', 'ann@chat.example'], true],
  ['POST /unban?user=ann', ['unban', 'ann'], false],
  ['POST /disconnect?user=ann', ['disconnect', 'ann', undefined], 3],
  ['POST /disconnect?user=ann&device=phone', ['disconnect', 'ann', 'phone'], 3],
])('%s is done, and answered in JSON', async (asked, does, answer) => {
  const { ask, told } = operated({})
  expect(await ask(asked)).toEqual({ status: 200, body: `${JSON.stringify(answer)}\n` })
  expect(told).toEqual([does])
})

it.each([
  ['no token', {}],
  ['a wrong token', { authorization: 'Bearer wrong' }],
  ['a token that only begins right', { authorization: 'Bearer right!' }],
  ['a token of as many letters and more bytes', { authorization: 'Bearer righä' }],
])('who shows %s may do nothing, not even on this machine', async (_, headers) => {
  const { status, told } = operated({ open: true })
  expect(await status('POST /ban?user=ann', headers)).toBe(403)
  expect(told).toEqual([])
})

it('a token that changes counts as it is now', async () => {
  let token = 'first'
  const { status } = operated({ token: () => token })
  expect(await status('GET /bans', { authorization: 'bearer first' })).toBe(200)
  token = 'other'
  expect(await status('GET /bans', { authorization: 'bearer first' })).toBe(403)
  expect(await status('GET /bans', { authorization: 'other' })).toBe(200)
})

it('where nobody is asked for tokens and operators have none, this machine may: no page, no proxy and no stranger', async () => {
  const { status } = operated({ token: undefined, open: true })
  expect(await status('GET /bans', {})).toBe(200)
  for (const headers of [{ origin: 'http://localhost' }, { 'x-forwarded-for': '192.0.2.1' }, { host: 'chat.example' }])
    expect(await status('GET /bans', headers as Record<string, string>)).toBe(403)
  expect(await status('GET /bans', {}, '192.0.2.1')).toBe(403)
  const closed = operated({ token: undefined, open: false })
  expect(await closed.status('GET /bans', {})).toBe(403)
})

it('what is not known is not found, a name that nobody can have is refused, and what fails may be tried again', async () => {
  const { status, told } = operated({})
  expect(await status('GET /inspect?user=nobody')).toBe(404)
  expect(await status('GET /ban?user=ann')).toBe(405)
  expect(await status('GET /other')).toBe(undefined)
  expect(told).toEqual([])
  expect(await operated({}, new SendRefused('bad_id', '')).status('POST /ban')).toBe(400)
  expect(await operated({}, new Error('disk full')).ask('POST /ban?user=ann')).toEqual({
    status: 503,
    body: 'It is not done; try again: disk full\n',
  })
})
