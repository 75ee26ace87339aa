/** What this browser keeps of end-to-end encryption outside of what is encrypted. */

/** What a node says of it. `required`: between two people it takes nothing else. */
export type Offer = { readonly realm: string; readonly required: boolean }

const keptAs = (user: string): string => `e2ee:${user}`
/** Where it stands that this person's own devices have changed, until they have seen it. */
export const newsOf = (user: string): string => `e2ee-news:${user}`

/** undefined: this person never had keys here. */
export function keptOffer(user: string): Offer | undefined {
  const text = localStorage.getItem(keptAs(user))
  return text === null ? undefined : JSON.parse(text)
}

export const keepOffer = (user: string, offer: Offer): void => localStorage.setItem(keptAs(user), JSON.stringify(offer))

/** Nothing of it is left in this browser. */
export function forgetOffer(user: string): void {
  for (const key of [keptAs(user), newsOf(user)]) localStorage.removeItem(key)
}
