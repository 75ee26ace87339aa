/** Messages find their actors by their addresses, and answers those who asked. */
import { afterEach, expect, it } from 'vitest'
import { type Address, Asks, Router, startRuntime } from '../../src/runtime/index.ts'

type Message = { readonly is: 'add'; readonly n: number } | { readonly is: 'sum'; readonly ticket: number }
type State = { sum: number }
type Knows = { readonly sum: number }

let stop = () => {}
afterEach(() => stop())

/** Actors that add numbers up; what the store has of those that are not present is 100. `mailbox`: messages that wait for one. */
function start(mailbox = 10) {
  const runtime = startRuntime({ shards: 2, mailbox })
  stop = () => runtime.stop()
  const router = new Router(new Asks<number | 'busy'>(runtime.wheel, 10_000, 'busy'))
  const actors = runtime.host<State, Message, { ticket: number; sum: number }, State, Knows>({
    kind: 'adder',
    load: () => ({ sum: 0 }),
    receive(state, message, _now, effects) {
      if (message.is === 'add') state.sum += message.n
      else effects.push({ ticket: message.ticket, sum: state.sum })
      return state
    },
    perform: (_id, effects) => {
      for (const { ticket, sum } of effects) router.answer(ticket, sum)
    },
    rest: () => 'keep',
    pack: (state) => state,
    unpack: (_id, state) => state,
    leave: () => 'goes',
    deadLetter: () => {},
    known: { sum: async (_id, state) => state?.sum ?? 100 },
    recover: (_state, mail) => [...mail],
    restarted: () => {},
    gaveUp: () => {},
  })
  router.lead('adder', actors)
  return { router, actors }
}
const a: Address<Message, Knows> = { kind: 'adder', id: 'a' }
const sum = (router: Router<number | 'busy'>) =>
  new Promise((resolve) => router.ask(a, (ticket): Message => ({ is: 'sum', ticket }), resolve))

it('an actor answers whoever asks it, after what it was told before', async () => {
  const { router } = start()
  router.tell(a, { is: 'add', n: 2 })
  router.tell(a, { is: 'add', n: 3 })
  expect(await sum(router)).toBe(5)
})

it('who asks an actor whose mailbox is full is answered at once, as if it were late', async () => {
  const { router } = start(2)
  for (let n = 0; n < 2; n++) router.tell(a, { is: 'add', n })
  expect(await sum(router)).toBe('busy')
})

it('a late answer, and one that comes again, reach nobody', async () => {
  const { router } = start()
  const heard: unknown[] = []
  let first = 0
  router.ask(
    a,
    (ticket): Message => {
      first = ticket
      return { is: 'add', n: 1 }
    },
    (answer) => heard.push(answer),
  )
  router.answer(first, 7)
  router.answer(first, 8)
  expect(heard).toEqual([7])
})

it('what an actor knows can be asked without waking it', async () => {
  const { router, actors } = start()
  expect(await router.query(a, 'sum')).toBe(100)
  expect(actors.size.present).toBe(0)
  router.tell(a, { is: 'add', n: 2 })
  await sum(router)
  expect(await router.query(a, 'sum')).toBe(2)
})

it('what is only for those who are present wakes nobody', async () => {
  const { router, actors } = start()
  router.tellIfPresent(a, { is: 'add', n: 1 })
  router.hint(a, { is: 'add', n: 1 })
  expect(actors.size.present).toBe(0)
  router.tell(a, { is: 'add', n: 1 })
  router.tellIfPresent(a, { is: 'add', n: 1 })
  expect(await sum(router)).toBe(2)
})

it('what may be lost is, where the mailbox is no longer nearly empty', async () => {
  const { router } = start(16)
  router.tell(a, { is: 'add', n: 1 })
  router.hint(a, { is: 'add', n: 10 })
  expect(await sum(router)).toBe(1)
})
