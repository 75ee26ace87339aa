/** What happened is recorded before anybody hears of it, also where the outbox is slow to say what it has. */
import { expect, it } from 'vitest'
import type { OutboxEvent } from '../../../actors/outbox/types.ts'
import { type WebhookEvent, webhookEvents } from '../../../src/embed/webhooks.ts'
import type { Calendar } from '../../../src/hosts/calendar.ts'
import type { SpellOf } from '../../../src/hosts/spells.ts'
import { namesAlone } from '../../../src/operations/webhooks/names.ts'
import { Recording } from '../../../src/operations/webhooks/recording.ts'
import { othersTurn, systemClock } from '../../../src/runtime/index.ts'
import type { LogStore } from '../../../src/store/contract.ts'
import { message, user } from '../../contracts/store.ts'

type Asked = { readonly events: readonly OutboxEvent[]; readonly again: boolean }

const nothing: SpellOf<LogStore> = () => {
  throw new Error('nothing is read')
}

/** The answers of the outbox are given by hand. */
function recording(spellOf = nothing) {
  const asked: Asked[] = []
  const open: ((taken: boolean) => void)[] = []
  const record = new Recording({
    names: namesAlone,
    boxes: {
      record: (_, __, events, { again = false } = {}) =>
        new Promise((taken) => {
          asked.push({ events, again })
          open.push(taken)
        }),
      tail: async () => 0,
    },
    router: {} as never,
    spellOf,
    calendar: { now: () => 9 } as Calendar,
    wanted: new Set<WebhookEvent>(webhookEvents),
    term: 1,
    isAway: () => false,
    look: () => {},
  })
  const append = (count: number) =>
    new Promise<unknown>((done) =>
      record.appended(
        user('bob'),
        7,
        Array.from({ length: count }, (_, n) => message(n + 1, 1)),
        done,
      ),
    )
  /** Answers what is asked next. */
  const answer = async (taken: boolean) => {
    await expect.poll(() => open.length).toBe(1)
    open.pop()?.(taken)
    return asked.at(-1) as Asked
  }
  return { record, append, answer, asked }
}

it('an append whose events were not taken is looked up piece by piece, so that the time for each is enough, in order', async () => {
  const { append, answer, asked } = recording()
  const first = append(300)
  const { events, again } = await answer(false)
  expect([events.length, again]).toEqual([300, false])
  expect(await first).toBeInstanceOf(Error)
  const second = append(300)
  for (let piece = 0; piece < 2; piece++) await answer(true)
  await answer(false)
  expect(await second).toBeInstanceOf(Error)
  const third = append(300)
  const pieces: Asked[] = []
  for (let piece = 0; piece < 5; piece++) pieces.push(await answer(true))
  expect(await third).toBe(undefined)
  expect(pieces.every(({ again, events }) => again && events.length <= 64)).toBe(true)
  expect(pieces.flatMap(({ events }) => events)).toEqual(events)
  const last = append(300)
  expect(await answer(true)).toMatchObject({ again: false, events })
  expect(await last).toBe(undefined)
  expect(asked).toHaveLength(1 + 3 + 5 + 1)
})

it('who waits for an outbox to begin is told where another node has it by now, and it begins when it is here again', async () => {
  let isOver = true
  const store = { load: async () => ({ head: 1 }), read: async () => [{ time: 5 }] } as unknown as LogStore
  const { record } = recording(() => ({ term: 1, store, heed: (pass, over) => (isOver ? over?.() : pass()) }))
  const begin = () =>
    Promise.race([
      record.begin(namesAlone.of('bob')).catch(() => 'is told'),
      othersTurn(systemClock).then(() => 'waits for ever'),
    ])
  expect(await begin()).toBe('is told')
  isOver = false
  expect(await begin()).toBe(5)
})
