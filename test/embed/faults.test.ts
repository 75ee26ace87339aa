/** Where no program listens, what fails is a warning of the process. */
import { expect, it, onTestFinished } from 'vitest'
import { warnings } from '../../src/embed/faults.ts'

/** What the process was warned of, once this turn is over. */
function listening() {
  const heard: Error[] = []
  const hear = (warning: Error) => void (warning.name === 'BluetickWarning' && heard.push(warning))
  process.on('warning', hear)
  onTestFinished(() => void process.off('warning', hear))
  const clock = { now: () => 0, monotonic: () => clock.at, at: 1 }
  const warn = warnings(clock)
  const messages = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    return heard.map(({ message }) => message)
  }
  return { clock, warn, heard, messages }
}

it('a fault is told in words, with where it came from', async () => {
  const { warn, heard, messages } = listening()
  const error = new Error('disk full')
  warn({ where: 'store', error })
  expect(await messages()).toEqual(['the store failed: Error: disk full'])
  expect((heard[0] as Error & { detail?: string }).detail).toBe(error.stack)
})

it('what is no error is told, too', async () => {
  const { warn, messages } = listening()
  warn({ where: 'origin', error: 'Pages of http://example.org may not come here.' })
  expect(await messages()).toEqual(['a connection was refused: Pages of http://example.org may not come here.'])
})

it('each place is warned of once a minute, however often it fails, and no place silences another', async () => {
  const { clock, warn, messages } = listening()
  const fail = (where: 'allow' | 'store') => warn({ where, error: `at ${clock.at}` })
  for (let n = 0; n < 3; n++) fail('store')
  fail('allow')
  clock.at = 60_000
  fail('store')
  clock.at = 60_001
  for (let n = 0; n < 3; n++) fail('store')
  expect(await messages()).toEqual([
    'the store failed: at 1',
    'the hook allow failed: at 1',
    'the store failed: at 60001',
  ])
})
