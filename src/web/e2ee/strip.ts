/** What this person should know of their own keys, in a strip over the page: one thing at a time. */
import type { E2ee, Place } from '../../client/e2ee/types.ts'
import { byId } from '../dom.ts'
import { newsOf } from '../offer.ts'
import { button } from '../sheet.ts'

type Acts = {
  readonly required: boolean
  readonly isFirst: () => boolean
  readonly turnOn: () => HTMLElement
  readonly link: () => HTMLElement
  readonly devices: () => void
}

/** What was put off is asked again when the page is loaded anew. */
export class Strip {
  readonly #acts: Acts
  readonly #newsAs: string
  #place: Place | undefined
  #isLater = false

  constructor(me: string, e2ee: E2ee, acts: Acts) {
    this.#acts = acts
    this.#newsAs = newsOf(me)
    e2ee.on('place', ({ place }) => {
      this.#place = place
      this.show()
    })
    e2ee.on('identity', ({ user, why }) => {
      if (user !== me) return
      localStorage.setItem(this.#newsAs, why)
      this.show()
    })
    this.show()
  }

  show(): void {
    const said = this.#said()
    byId('keys').hidden = said === undefined
    if (!said) return
    const [words, ...acts] = said
    if (byId('keys-text').textContent !== words) byId('keys-text').textContent = words
    byId('keys-acts').replaceChildren(...acts)
  }

  #said(): [string, ...HTMLElement[]] | undefined {
    const { required, isFirst, turnOn, link, devices } = this.#acts
    const news = localStorage.getItem(this.#newsAs)
    if (news === 'fork')
      return [
        'The server shows two versions of your devices. Tell whoever runs it.',
        this.#over(),
        button('Devices', devices),
      ]
    if (news !== null) return ['Your devices have changed. Was that you?', this.#over(), button('Devices', devices)]
    if (this.#isLater || this.#place === undefined) return undefined
    const later = button('Not now', () => {
      this.#isLater = true
      this.show()
    })
    if (this.#place === 'removed' || (this.#place === 'unlinked' && !isFirst()))
      return ['This browser cannot read your encrypted messages yet.', link(), later]
    if (this.#place !== 'unlinked') return undefined
    const words = required
      ? 'This server takes only encrypted messages between two people.'
      : 'Encrypt what you write, so that only you and the people you write to can read it?'
    return required ? [words, turnOn()] : [words, turnOn(), later]
  }

  #over(): HTMLElement {
    return button('OK', () => {
      localStorage.removeItem(this.#newsAs)
      this.show()
    })
  }
}
