/** How often nodes tell each other that a person does something. */
import { expect, it } from 'vitest'
import { Activity } from '../../src/forwarding/activity.ts'
import { kinds, type Message, type ToActor } from '../../src/forwarding/frames.ts'
import { Wheel } from '../../src/runtime/wheel.ts'
import { handClock } from '../cluster/pairs.ts'

const about = (message: Message): ToActor => [kinds.tell, 1, 'presence', 'ann', message]
const active = (session: number, at: number) => about({ is: 'active', session, at })

function world() {
  const wheel = new Wheel(handClock().clock)
  const told: string[] = []
  const activity = new Activity(wheel, ({ 4: message }) => {
    const { is, session, at } = message
    told.push([is, session, at].filter((word) => word !== undefined).join(' '))
  })
  const say = (frame: ToActor) => activity.forward(frame)
  /** Two seconds: what is due in one has happened. */
  const pass = () => {
    for (let tick = 0; tick < 40; tick++) wheel.advance()
  }
  return { activity, told, say, pass }
}

it('at once, and what follows within a second once, as the last of it was', () => {
  const { told, say, pass } = world()
  for (let at = 1; at <= 50; at++) say(active(7, at))
  say(active(8, 3))
  expect(told).toEqual(['active 7 1', 'active 8 3'])
  pass()
  expect(told.slice(2)).toEqual(['active 7 50'])
  pass()
  say(active(7, 90))
  expect(told.slice(3), 'at once again').toEqual(['active 7 90'])
})

it('before it is told that the app was put away, and not after a session has gone', () => {
  const { told, say, pass } = world()
  say(active(7, 1))
  say(active(7, 2))
  say(about({ is: 'away', session: 7 }))
  say(active(7, 5))
  expect(told).toEqual(['active 7 1', 'active 7 2', 'away 7', 'active 7 5'])
  say(active(7, 6))
  say(about({ is: 'gone', device: { session: 7, activeAt: 6, away: false }, at: 6 }))
  pass()
  expect(told.slice(4)).toEqual(['gone 6'])
})

it('at once where the presence may be on another node now', () => {
  const { activity, told, say, pass } = world()
  say(active(7, 1))
  say(active(7, 2))
  activity.anew()
  say(active(7, 3))
  expect(told).toEqual(['active 7 1', 'active 7 2', 'active 7 3'])
  pass()
  expect(told).toHaveLength(3)
})
