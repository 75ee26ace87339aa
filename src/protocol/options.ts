/** Checks what a program hands over as options: JavaScript, mistyped names, and environment variables that are not set pass the compiler. */

/** What an option must be, in words, and whether it is. */
export type Rule = { readonly words: string; readonly fits: (value: unknown) => boolean }

/** What it must be, another check says. */
export const isAny: Rule = { words: '', fits: () => true }
export const isText: Rule = {
  words: 'text that is not empty',
  fits: (value) => typeof value === 'string' && value !== '',
}
export const isFunction: Rule = { words: 'a function', fits: (value) => typeof value === 'function' }
export const isOneOf = (...values: readonly string[]): Rule => ({
  words: values.join(' or '),
  fits: (value) => values.includes(value as string),
})
export const isFlag: Rule = { words: 'true or false', fits: (value) => typeof value === 'boolean' }
export const isNumber: Rule = { words: 'a number', fits: (value) => typeof value === 'number' }
export const isListOf = (words: string, item = /./): Rule => ({
  words: `a list of ${words}`,
  fits: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string' && item.test(one)),
})
/** Whether it is an object with all these functions. */
export const isObjectWith = (words: string, ...functions: readonly string[]): Rule => ({
  words,
  fits: (value) =>
    typeof value === 'object' &&
    value !== null &&
    functions.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
})

/** Throws a TypeError that says in one sentence what is wrong with the options of a function. One that is undefined is not given. */
export function checkOptions(
  of: string,
  given: unknown,
  rules: Readonly<Record<string, Rule>>,
  required: readonly string[] = [],
): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError(`${of} takes an object of options`)
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (!rule) throw new TypeError(`${of} has no option ${name}; it has ${Object.keys(rules).join(', ')}`)
    if (value !== undefined && !rule.fits(value)) throw new TypeError(`${of}: ${name} must be ${rule.words}`)
  }
  const missing = required.find((name) => (given as Record<string, unknown>)[name] === undefined)
  if (missing !== undefined) throw new TypeError(`${of} needs ${missing}: ${rules[missing]?.words}`)
}
