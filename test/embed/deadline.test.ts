/** What a program is asked has a time to answer, and whoever runs the node hears what goes wrong. */
import { expect, it } from 'vitest'
import { inTime, late } from '../../src/embed/deadline.ts'
import type { Fault } from '../../src/embed/faults.ts'
import { byHand } from '../hosts/byhand.ts'

function asked() {
  const { runtime, pass } = byHand()
  const faults: Fault[] = []
  return { ...inTime(runtime, (fault) => faults.push(fault)), faults, pass }
}

it('what is answered at once is answered at once', () => {
  const { ask, waiting } = asked()
  const double = ask('allow', (n: number) => n * 2)
  expect([double(4), waiting()]).toEqual([8, 0])
})

it('what is answered in time counts, and is waited for until then', async () => {
  const { ask, waiting, faults, pass } = asked()
  let say = (_: string) => {}
  const answer = ask('authenticate', () => new Promise<string>((resolve) => (say = resolve)))()
  await pass(9_000)
  expect(waiting()).toBe(1)
  say('ann')
  expect([await answer, waiting(), faults]).toEqual(['ann', 0, []])
})

it('what does not answer within 10 s is late, and told; what it says then is not heard', async () => {
  const { ask, waiting, faults, pass } = asked()
  let say = (_: boolean) => {}
  const answer = Promise.resolve(ask('allow', () => new Promise<boolean>((resolve) => (say = resolve)))()).catch(
    (e) => e,
  )
  await pass(11_000)
  say(true)
  expect([await answer, waiting(), faults]).toEqual([late, 0, [{ where: 'allow', error: late }]])
})

it.each([
  [
    'throws',
    () => {
      throw new Error('a bug')
    },
  ],
  ['rejects', () => Promise.reject(new Error('a bug'))],
])('what %s is told, and thrown on', async (_, hook) => {
  const { ask, waiting, faults } = asked()
  await expect(async () => await ask('authenticate', hook)()).rejects.toThrow('a bug')
  expect([faults, waiting()]).toMatchObject([[{ where: 'authenticate', error: { message: 'a bug' } }], 0])
})
