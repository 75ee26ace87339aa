/** What the values of options may be. */
import { Misuse, meant } from './misuse.ts'
import type { Option } from './options.ts'

/** A value and where it is from, as a message names it. */
export type Given = { readonly value: string; readonly from: string }

/** The largest whole number of an option that says no other. */
export const most = Number.MAX_SAFE_INTEGER

/** Throws a Misuse that says which value, from where, cannot be. */
export function check({ value, from }: Given, { whole, oneOf, names }: Option): void {
  if (oneOf && !oneOf.includes(value)) throw new Misuse(`${from} must be ${oneOf.join(' or ')}, not "${value}"`)
  if (whole) checkWhole(value, from, whole)
  if (names)
    for (const [name, number] of pairs(value)) {
      if (!names.includes(name)) throw new Misuse(`${from}: there is no "${name}"${meant(name, names)}`)
      checkWhole(number, `${from}: ${name}`, [1, most])
    }
}

function checkWhole(value: string, from: string, [least, upTo]: readonly [number, number]): void {
  const number = Number(value)
  if (value.trim() !== '' && Number.isSafeInteger(number) && number >= least && number <= upTo) return
  throw new Misuse(`${from} must be a whole number from ${least}${upTo === most ? '' : ` to ${upTo}`}, not "${value}"`)
}

/** The names and values of "a=1,b=2". */
export const pairs = (text: string): [string, string][] =>
  text
    .split(',')
    .filter(Boolean)
    .map((pair) => {
      const [name = '', ...value] = pair.split('=')
      return [name.trim(), value.join('=')]
    })
