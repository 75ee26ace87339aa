/** Whom a device watches, and what it lets them see of its user. */
import { expect, it } from 'vitest'
import { openSettings } from '../../../actors/settings.ts'
import { opened, refusals, user } from './opened.ts'

const watches = (name: string, stance = 'open') => ({ do: 'watch', user: name, stance })

it('it watches as many as it may, and the same one again', () => {
  const { says } = opened()
  for (const name of ['ben', 'cat', 'ben']) expect(says(['watch', user(name)])).toEqual([watches(name)])
  expect(refusals(says(['watch', user('dan')]))).toEqual([['too_many_watches', 0]])
})

it('who is no longer watched makes room for another', () => {
  const { says } = opened()
  for (const name of ['ben', 'cat']) says(['watch', user(name)])
  const done = { do: 'push', frame: ['done', 'unwatch', 'ben', 0] }
  expect(says(['unwatch', user('ben')])).toEqual([{ do: 'unwatch', user: 'ben' }, done])
  expect(says(['unwatch', user('ben')]), 'the second time there is nothing to do').toEqual([done])
  expect(says(['watch', user('dan')])).toEqual([watches('dan')])
})

it('the watched one is told what this user lets them see, and again when that changes', () => {
  const { says, tell } = opened({ blocked: [user('ben')] })
  expect(says(['watch', user('ben')])).toEqual([watches('ben', 'blocked')])
  says(['watch', user('cat')])
  const changed = tell({ is: 'settings', settings: { ...openSettings, lastSeen: 'contacts', contacts: [user('cat')] } })
  expect(changed.slice(1), 'for cat nothing has changed').toEqual([watches('ben', 'hidden')])
})

it('a group that is watched does not hear of settings', () => {
  const { says, tell } = opened()
  says(['watch', user('#team')])
  expect(tell({ is: 'settings', settings: { ...openSettings, lastSeen: 'nobody' } })).toMatchObject([{ do: 'push' }])
})

it('the device is told its settings: lists line by line, and no lifetime that is the usual one', () => {
  const { tell } = opened()
  const lifetimes = [
    { chat: user('ben'), lifetime: 'temporary', time: 1, id: 'a' },
    { chat: user('cat'), lifetime: 'default', time: 1, id: 'b' },
  ] as never
  const settings = { ...openSettings, blocked: [user('dan'), user('eva')], lifetimes }
  expect(tell({ is: 'settings', settings })).toEqual([
    {
      do: 'push',
      frame: ['settings', 'everyone', 'everyone', true, 'dan\neva', '', 'ben\ttemporary', 'everyone'],
    },
  ])
})
