/** What `serve` prints of events and faults. */
import { expect, it, vi } from 'vitest'
import { Log } from '../../src/cli/log.ts'

function start(log: 'text' | 'json', level = 'info') {
  const lines: string[] = []
  return { log: new Log({ log, 'log-level': level }, (line) => lines.push(line)), lines }
}
const address = '10.0.0.3'

it('for machines each line is an object with level, time and what happened', () => {
  const { log, lines } = start('json', 'debug')
  log.say('Bluetick listens on ws://127.0.0.1:8080\n  more', { url: 'ws://127.0.0.1:8080' })
  log.warn('SIGHUP: the secret stays as it was')
  log.event({ event: 'entered', user: 'ann', device: 'phone', address })
  log.event({ event: 'left', user: 'ann', device: 'phone', address, code: 1006 })
  log.event({ event: 'slow', log: 'ann', entries: 3, ms: 1_500 })
  log.fault({ where: 'store', error: new Error('no room') })
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 'info', time, msg: 'Bluetick listens on ws://127.0.0.1:8080', url: 'ws://127.0.0.1:8080' },
    { level: 'warn', time, msg: 'SIGHUP: the secret stays as it was' },
    { level: 'debug', time, msg: 'entered', user: 'ann', device: 'phone', address },
    { level: 'debug', time, msg: 'left', user: 'ann', device: 'phone', address, code: 1006 },
    { level: 'warn', time, msg: 'slow', log: 'ann', entries: 3, ms: 1_500 },
    { level: 'error', time, msg: 'the store failed: Error: no room', where: 'store', stack: expect.any(String) },
  ])
})

it('for people a line has the time, the level, and what happened in words', () => {
  const { log, lines } = start('text')
  log.event({ event: 'entered', user: 'ann', device: 'phone', address })
  log.event({ event: 'refused', code: 'bad_token', address: '10.0.0.3' })
  log.fault({ where: 'origin', error: 'Pages of http://evil.example may not come here.' })
  expect(lines.map((line) => line.slice(25))).toEqual([
    'info refused code="bad_token" address="10.0.0.3"\n',
    'warn a connection was refused: Pages of http://evil.example may not come here. where="origin"\n',
  ])
})

it('a line of a name has no line break, and nothing that a terminal obeys', () => {
  const { log, lines } = start('text', 'debug')
  log.event({ event: 'entered', user: 'ann\n2026 error \u001b[31m', device: 'phone', address })
  log.fault({ where: 'origin', error: 'Pages of\nhttp://\u001b[31m may not come here.' })
  expect(lines).toHaveLength(2)
  for (const line of lines) expect(line.trimEnd()).not.toMatch(/[\n\u001b]/)
})

it('of what comes often ten lines in ten seconds are printed, and how many were not', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { log, lines } = start('json')
  for (let n = 0; n < 500; n++) log.event({ event: 'refused', code: 'bad_token', address })
  log.fault({ where: 'store', error: 'another kind' })
  expect(lines).toHaveLength(11)
  vi.advanceTimersByTime(10_000)
  log.event({ event: 'refused', code: 'bad_token', address })
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ code: 'bad_token', skipped: 490 })
  vi.useRealTimers()
})

it('what is below the level is not printed', () => {
  const { log, lines } = start('json', 'error')
  log.event({ event: 'refused', code: 'bad_token', address })
  log.event({ event: 'slow', log: 'ann', entries: 1, ms: 2_000 })
  expect(lines).toEqual([])
})
