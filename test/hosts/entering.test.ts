/** How sessions come in, and how they stay in when their tokens are over. */
import { expect, it } from 'vitest'
import type { Enter, Entrant } from '../../src/hosts/sessions/entrance.ts'
import type { DeviceId } from '../../src/protocol/ids.ts'
import { user } from './byhand.ts'
import { type Client, hosted } from './clients.ts'

type Answer = Awaited<ReturnType<Enter>>
const good = (over: Partial<Entrant> = {}): Entrant => ({
  user: user('ann'),
  device: null,
  expiresIn: null,
  issuedAt: undefined,
  ...over,
})

/** Checks of tokens whose answers are given by hand, in any order. */
function checked() {
  const checks: { readonly token: string | null; readonly client: object; readonly say: (answer: Answer) => void }[] =
    []
  const enter: Enter = (token, client) => new Promise((say) => void checks.push({ token, client, say }))
  const host = hosted({ enter })
  const answers = async (nth: number, answer: Answer) => {
    checks[nth]?.say(answer)
    await host.turn()
  }
  const hello = (token: string | null = 'first', device: string | null = 'phone') => {
    const client = host.connect('of the upgrade')
    host.says(client, ['hello', token, device])
    return client
  }
  /** A client that is in, with a token that is good for so many seconds. */
  const entered = async (seconds: number) => {
    const client = hello()
    await answers(0, good({ expiresIn: seconds * 1_000 }))
    host.welcome(client)
    await host.turn()
    client.heard.length = 0
    return client
  }
  const attached = () => host.told.filter(([, message]) => 'is' in message && message.is === 'attach')
  return { ...host, checks, answers, hello, entered, attached }
}

const errors = ({ heard }: Client) => (heard.flat() as unknown[][]).map((frame) => frame.slice(0, 3))

it('the token of a hello counts, that of the upgrade where it has none, and each once', () => {
  const { checks, hello } = checked()
  const [first, second] = [hello('first'), hello(null)]
  const client = { device: 'phone', address: '192.0.2.1' }
  expect(checks).toMatchObject([
    { token: 'first', client },
    { token: 'of the upgrade', client },
  ])
  expect([first.token, second.token]).toEqual([null, null])
})

it('a device is called as its token says, else as the client says, else default', async () => {
  const { hello, answers, attached } = checked()
  hello('a', 'phone')
  hello('b', 'phone')
  hello('c', null)
  await answers(0, good({ device: 'tablet' as DeviceId, issuedAt: 9 }))
  await answers(1, good())
  await answers(2, good())
  expect(attached()).toMatchObject([
    ['user ann', { device: 'tablet', issuedAt: 9 }],
    ['user ann', { device: 'phone' }],
    ['user ann', { device: 'default' }],
  ])
})

it.each(['bad_token', 'banned', 'unavailable'] as const)('who does not come in is told why: %s', async (code) => {
  const { hello, answers, attached } = checked()
  const client = hello()
  await answers(0, code)
  expect([client.closed?.[1], attached()]).toEqual([code, []])
})

it('who leaves while their token is checked does not come in', async () => {
  const { sessions, hello, answers, attached, told } = checked()
  sessions.ended(hello(), 1000)
  await answers(0, good())
  expect([attached(), told, sessions.users()]).toEqual([[], [], []])
})

it('a user who is disconnected comes in by no check that had begun before, and by one that begins after', async () => {
  const { sessions, hello, answers } = checked()
  const [ann, ben] = [hello(), hello()]
  sessions.disconnect(user('ann'), undefined, 'banned')
  const again = hello()
  await answers(0, good())
  await answers(1, good({ user: user('ben') }))
  await answers(2, good())
  expect([ann.closed?.[1], ben.closed, again.closed]).toEqual(['disconnected', null, null])
  expect(sessions.users()).toEqual(['ben', 'ann'])
})

it('a user who was disconnected is not let in by a check that began before and takes its whole 10 s', async () => {
  const { sessions, hello, answers, pass } = checked()
  const ann = hello()
  sessions.disconnect(user('ann'), undefined, 'disconnected')
  await pass(10_000)
  await answers(0, good())
  expect(ann.closed?.[1]).toBe('disconnected')
})

it('a client is asked for its next token, and stays in by that', async () => {
  const { says, entered, answers, checks, pass } = checked()
  const ann = await entered(60)
  await pass(31_000)
  const [[kind, leftMs] = []] = ann.heard.flat() as unknown[][]
  expect([kind, Number(leftMs) > 25_000]).toEqual(['renew', true])
  ann.heard.length = 0
  says(ann, ['token', 'next'])
  expect(checks[1]).toMatchObject({ token: 'next', client: { device: 'phone' } })
  await answers(1, good({ expiresIn: 600_000 }))
  expect(ann.heard).toEqual([[['done', 'token', '', 0]]])
  await pass(60_000)
  expect(ann.closed).toBe(null)
})

it('a session ends with its token where no other comes', async () => {
  const { entered, pass } = checked()
  const ann = await entered(60)
  await pass(58_000)
  expect(ann.closed).toBe(null)
  await pass(5_000)
  expect(ann.closed).toEqual([3008, 'expired'])
})

it('a token that nobody asked for is refused, and so is one while another is checked', async () => {
  const { says, entered, checks, pass, turn } = checked()
  const ann = await entered(60)
  says(ann, ['token', 'early'])
  expect([errors(ann), checks.length]).toEqual([[['error', 'bad_frame', 'token']], 1])
  await pass(31_000)
  ann.heard.length = 0
  says(ann, ['token', 'next'], ['token', 'and another'])
  await turn()
  expect([errors(ann), checks.length]).toEqual([[['error', 'busy', 'token']], 2])
})

it.each([
  ['of another user', good({ user: user('ben') }), 'bad_token'],
  ['of another device', good({ device: 'laptop' as DeviceId }), 'bad_token'],
  ['that is wrong', 'bad_token', 'bad_token'],
  ['of somebody who is banned now', 'banned', 'banned'],
] as const)('a next token %s ends the session', async (_, answer, code) => {
  const { says, entered, answers, pass } = checked()
  const ann = await entered(60)
  await pass(31_000)
  says(ann, ['token', 'next'])
  await answers(1, answer)
  expect(ann.closed?.[1]).toBe(code)
})

it('who is in stays in where a token cannot be checked now, may try again, and goes when the first is over', async () => {
  const { says, entered, answers, checks, pass } = checked()
  const ann = await entered(60)
  await pass(31_000)
  ann.heard.length = 0
  for (const nth of [1, 2]) {
    says(ann, ['token', 'next'])
    await answers(nth, 'unavailable')
  }
  expect([ann.closed, checks.length]).toEqual([null, 3])
  expect(errors(ann)).toEqual(Array(2).fill(['error', 'busy', 'token']))
  await pass(31_000)
  expect(ann.closed?.[1]).toBe('expired')
})
