/** Somebody who wants all prekeys of another, so that nobody else gets any: for an hour, and from many accounts. */
import { expect, it } from 'vitest'
import { device, host } from './users.ts'

const numbersOf = (claimed: Awaited<ReturnType<ReturnType<typeof device>['claims']>>) => {
  if (claimed[0] === 'error') return []
  return (claimed as { once?: { number: number } }[]).flatMap(({ once }) => once?.number ?? [])
}

it('one account gets twelve in an hour, each claim is answered, and others get theirs', async () => {
  const at = await host()
  const [bob, mallory] = [device(at, 'bob'), device(at, 'mallory')]
  await bob.prekeys(50)
  await bob.link({ kind: 'first', add: [bob.addition] })
  const given: number[] = []
  let answered = 0
  for (let minute = 0; minute < 60; minute++) {
    for (let claim = 0; claim < 10; claim++) {
      const claimed = await mallory.claims('bob')
      answered += claimed.length === 1 ? 1 : 0
      given.push(...numbersOf(claimed))
    }
    at.pass(60_000)
  }
  expect(answered).toBe(600)
  expect(given.length).toBeLessThanOrEqual(12)
  expect(numbersOf(await device(at, 'carol').claims('bob'))).toEqual([given.length + 1])
})

it('from many accounts all are gone: the signed prekey is the answer then, and once the device has brought more there are some', async () => {
  const at = await host()
  const bob = device(at, 'bob')
  await bob.prekeys(30)
  await bob.link({ kind: 'first', add: [bob.addition] })
  const given: number[] = []
  for (let account = 0; account < 8; account++) {
    for (let claim = 0; claim < 6; claim++)
      given.push(...numbersOf(await device(at, `mallory ${account}`).claims('bob')))
  }
  expect(given).toEqual(Array.from({ length: 30 }, (_, n) => n + 1))
  const carol = device(at, 'carol')
  expect(await carol.claims('bob')).toMatchObject([{ signed: { number: 1 }, once: undefined }])
  expect(at.told.some(([user, , frame]) => user === 'bob' && frame[0] === 'low')).toBe(true)
  at.pass(60_000)
  await bob.prekeys(20, 31)
  expect(numbersOf(await device(at, 'dave').claims('bob'))).toEqual([31])
})
