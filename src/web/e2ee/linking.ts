/** The devices of this person that have keys: how this browser becomes one, lets another in, and begins anew where none is left. */
import type { E2ee } from '../../client/e2ee/types.ts'
import { make } from '../dom.ts'
import { notice } from '../notice.ts'
import { ask, button, closeSheet, openSheet, openSheetOf, tried } from '../sheet.ts'
import { codeForm } from './field.ts'
import { qrCode } from './qr.ts'

const resetWords =
  'Only do this when you have none of your linked devices any more. They are shut out, what was sent to them cannot be read here, and everybody you write to is told that your security number has changed.'

export class Linking {
  readonly #e2ee: E2ee
  readonly #late: () => void

  /** `late`: another device has made the first keys meanwhile. */
  constructor(e2ee: E2ee, late: () => void) {
    this.#e2ee = e2ee
    this.#late = late
    e2ee.on('place', ({ place }) => {
      if (place !== 'linked' || !document.querySelector('#info[open] #link-code')) return
      closeSheet()
      notice('This browser is linked.')
    })
  }

  /** Makes the first keys of this person, and never others in the place of some: who presses it has been told nothing of that. */
  turnOn(): HTMLElement {
    const made = button('Turn on encryption', async () => {
      made.disabled = true
      closeSheet()
      const place = await tried(this.#e2ee.begin())
      if (place === 'linked') return notice('Encryption is on.')
      made.disabled = false
      if (place === 'unlinked') this.#late()
    })
    return made
  }

  link(): HTMLElement {
    return button('Link this browser', () => this.showCode())
  }

  /** What a device that is linked is to be shown. */
  async showCode(): Promise<void> {
    const code = await openSheetOf('Link this browser', this.#e2ee.code())
    if (code === undefined) return
    const field = make('textarea', 'link-code')
    Object.assign(field, { id: 'link-code', readOnly: true, value: code, rows: 4 })
    field.setAttribute('aria-label', 'Code of this browser')
    field.onfocus = () => field.select()
    const copy = button('Copy the code', () =>
      navigator.clipboard.writeText(code).then(
        () => notice('Copied'),
        () => field.select(),
      ),
    )
    openSheet(
      'Link this browser',
      make(
        'p',
        'words',
        'On a device of yours that is linked, open Settings, choose “Link a device”, and paste this code there, or scan it. Bring it there yourself, and do not send it over this server. This sheet closes when it is done.',
      ),
      make('figure', 'code', qrCode(code, 'The code of this browser as a QR code')),
      field,
      copy,
      this.#lost(),
    )
  }

  /** Lets in the device whose code is pasted. */
  approve(): HTMLElement {
    return button('Link a device', () => {
      const form = codeForm({
        label: 'Code of the new device',
        placeholder: 'bluetick:…',
        yes: 'Link it',
        act: async (code) => {
          await this.#e2ee.approve(code)
          closeSheet()
          notice('The device is linked.')
        },
      })
      openSheet(
        'Link a device',
        make(
          'p',
          'words',
          'On the new device, press “Link this browser”, and paste the code that it shows here, or take a picture of it. Only link a device that you hold in your hands: it will read what you write and get.',
        ),
        form,
      )
      form.querySelector('textarea')?.focus()
    })
  }

  #lost(): HTMLElement {
    const made = button('I have none of my linked devices any more', () =>
      ask('Begin anew with this browser alone?', resetWords, 'Begin anew', async () => {
        if ((await tried(this.#e2ee.reset())) === 'linked') notice('This browser has begun anew.')
      }),
    )
    made.classList.add('danger')
    return made
  }
}
