/** The small parts of the runtime: one task at a time, what stays of those that hibernate, questions and timers. */
import { expect, it } from 'vitest'
import { Asks } from '../../src/runtime/asks.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { Rested } from '../../src/runtime/rested.ts'
import { Serial } from '../../src/runtime/serial.ts'
import { Wheel } from '../../src/runtime/wheel.ts'

/** A task that ends when the test says so. */
function task(name: string, log: string[]) {
  let end = (_: 'done' | 'failed') => {}
  const run = () => {
    log.push(name)
    return new Promise<string>((resolve, reject) => {
      end = (how) => (how === 'done' ? resolve(name) : reject(new Error(name)))
    })
  }
  return { run, end: (how: 'done' | 'failed') => end(how) }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

it('tasks of one name run one after another, in the order of the calls, also where one fails', async () => {
  const log: string[] = []
  const serial = new Serial<string>()
  const [first, second] = [task('first', log), task('second', log)]
  const results = [serial.run('a', first.run), serial.run('a', second.run)]
  expect(log, 'none within its call').toEqual([])
  await turn()
  expect(log).toEqual(['first'])
  first.end('failed')
  await expect(results[0]).rejects.toThrow('first')
  await turn()
  expect(log).toEqual(['first', 'second'])
  second.end('done')
  expect(await results[1]).toBe('second')
})

it('tasks of other names do not wait for each other', async () => {
  const log: string[] = []
  const serial = new Serial<string>()
  for (const name of ['a', 'b']) void serial.run(name, task(name, log).run)
  await turn()
  expect(log).toEqual(['a', 'b'])
})

it('of the records that may go, those that rest for longest go first; those that must stay stay', () => {
  const rested = new Rested()
  for (const id of ['a', 'b', 'c']) rested.add(id, `of ${id}`, true)
  rested.add('kept', 1, false)
  rested.trim(1)
  expect([...rested.keys()]).toEqual(['kept', 'c'])
  expect([rested.size, rested.get('c'), rested.has('a')]).toEqual([2, 'of c', false])
  for (const id of ['kept', 'c', 'nobody']) rested.delete(id)
  expect(rested.size).toBe(0)
})

it('a timer of no time fires in a later tick, and one that is set by a timer is not lost', () => {
  const wheel = new Wheel(undefined, 10, 4)
  const log: string[] = []
  wheel.after(0, () => {
    log.push('first')
    wheel.after(0, () => log.push('second'))
  })
  expect(log).toEqual([])
  for (let tick = 0; tick < 4; tick++) wheel.advance()
  expect(log).toEqual(['first', 'second'])
})

it('a node that stops fires each of its timers at once, and once', () => {
  const wheel = new Wheel(undefined, 10, 4)
  const log: number[] = []
  for (const ms of [10_000, 20, 300]) wheel.after(ms, () => log.push(ms))
  wheel.hurry()
  for (let tick = 0; tick < 2_000; tick++) wheel.advance()
  expect(log.sort((a, b) => a - b)).toEqual([20, 300, 10_000])
})

it('a question is late after its deadline, and none before', () => {
  let now = 1
  const wheel = new Wheel({ ...systemClock, monotonic: () => now })
  const asks = new Asks<string>(wheel, 1_000, 'late')
  const log: string[] = []
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 50) {
      now += 50
      wheel.advance()
    }
  }
  // Just before it is looked for what is late.
  pass(250)
  asks.ask((answer) => log.push(`first ${answer}`))
  pass(950)
  asks.ask((answer) => log.push(`second ${answer}`))
  expect(log).toEqual([])
  pass(800)
  expect(log).toEqual(['first late'])
  pass(1_000)
  expect(log).toEqual(['first late', 'second late'])
})

it('a question is answered once, by its own ticket, however many wait and however late it is', () => {
  const asks = new Asks<string>(new Wheel(), 1_000, 'late')
  const answers = new Map<number, string[]>()
  const ask = () => {
    const heard: string[] = []
    const ticket = asks.ask((answer) => heard.push(answer))
    expect(answers.has(ticket), `${ticket} was given before`).toBe(false)
    answers.set(ticket, heard)
    return ticket
  }
  const slow = ask()
  for (let n = 0; n < 1_000; n++) asks.answer(ask(), 'quick')
  const many = Array.from({ length: 1_000 }, ask)
  expect(asks.size).toBe(1_001)
  for (const ticket of many.toReversed()) {
    asks.answer(ticket, 'one of many')
    asks.answer(ticket, 'again')
  }
  asks.answer(slow, 'slow')
  asks.answer(slow + 128, 'never asked')
  expect(asks.size).toBe(0)
  expect(answers.get(slow)).toEqual(['slow'])
  expect(many.every((ticket) => String(answers.get(ticket)) === 'one of many')).toBe(true)
})

it('questions that are late are told so in the order in which they were asked', () => {
  let now = 1
  const wheel = new Wheel({ ...systemClock, monotonic: () => now })
  const asks = new Asks<string>(wheel, 1_000, 'late')
  const log: number[] = []
  // Tickets that go round the places: the last of these have places before the first.
  for (let n = 0; n < 50; n++)
    asks.answer(
      asks.ask(() => {}),
      'quick',
    )
  for (let n = 0; n < 30; n++) asks.ask(() => log.push(n))
  for (let passed = 0; passed < 2_000; passed += 50) {
    now += 50
    wheel.advance()
  }
  expect(log).toEqual(Array.from({ length: 30 }, (_, n) => n))
})

it('whom nobody will answer is told so at once', () => {
  const asks = new Asks<string>(new Wheel(), 1_000, 'late')
  const log: string[] = []
  asks.giveUp(asks.ask((answer) => log.push(answer)))
  asks.giveUp(99)
  expect(log).toEqual(['late'])
})
