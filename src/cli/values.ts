/** What an option is, and what its values may be. */
import { Misuse, meant } from './misuse.ts'

/**
 * One option: what it means (with its unit), its default, and the environment variable that sets it too. `whole`: it is a whole
 * number from the one to the other; `oneOf`: one of these. `names`: it is given several times, each as NAME=VALUE with one of these
 * names and a whole number. For `--help`: `value` is a word for the value where these say none, `otherwise` what holds without the
 * option where it has no default, `heading` what it is listed under.
 */
export type Option = {
  readonly text: string
  readonly default: string
  readonly env: string
  readonly whole?: readonly [least: number, most: number]
  readonly oneOf?: readonly string[]
  readonly names?: readonly string[]
  readonly value?: string
  readonly otherwise?: string
  readonly heading?: string
}

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

/** The parts of "a, b". */
export const listed = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)
