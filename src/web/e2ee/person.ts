/** All about the encryption of one chat: the security number of two people, their devices, and what is not encrypted. */
import type { E2ee } from '../../client/e2ee/types.ts'
import { deviceWords } from '../devices.ts'
import { make } from '../dom.ts'
import { button, openSheet, tried } from '../sheet.ts'
import { qrCode } from './qr.ts'
import { groupWords, heldWords, openWords, type Secrecy } from './secrecy.ts'

type Acts = {
  readonly e2ee: E2ee
  readonly required: boolean
  /** It is otherwise now. */
  readonly changed: () => void
  /** What one can do where it is not encrypted. */
  readonly turnOn: () => HTMLElement
  readonly link: () => HTMLElement
}

export function showEncryption(chat: string, secrecy: Secrecy, acts: Acts): void {
  if (secrecy.is === 'open') {
    const act = secrecy.why === 'off' ? [acts.turnOn()] : secrecy.why === 'unlinked' ? [acts.link()] : []
    return openSheet('Not encrypted', make('p', 'words', openWords(secrecy.why, chat, acts.required)), ...act)
  }
  if (secrecy.is === 'group') return openSheet('Encryption', make('p', 'words', groupWords(secrecy.group)))
  const { identity } = secrecy
  const { safetyNumber, devices, verified } = identity
  const says = identity.waits
    ? heldWords(identity, chat)
    : `What you and ${chat} write is encrypted on your devices, photos and files as well, and only they can read it.`
  openSheet(
    'Encryption',
    make('p', 'words', says),
    make('h3', '', `Security number with ${chat}`),
    digits(safetyNumber),
    figure(safetyNumber, chat),
    make(
      'p',
      'words',
      verified
        ? `You have marked ${chat} as verified.`
        : `${chat} sees the same number on their screen. Compare it side by side, or in a call: if it is the same, nobody stands between you.`,
    ),
    ...(verified ? [] : [verifying(chat, safetyNumber, acts)]),
    make('h3', '', `Devices of ${chat}`),
    make('ul', 'people', ...devices.map((device) => make('li', '', make('span', 'name', deviceWords(device))))),
  )
}

function digits(number: string): HTMLElement {
  const groups = number.split(' ').map((group) => make('span', '', `${group} `))
  return make('p', 'digits', ...groups)
}

const figure = (number: string, chat: string): HTMLElement =>
  make('figure', 'code', qrCode(number.replaceAll(' ', ''), `The security number with ${chat} as a QR code`))

/** Who has compared the numbers takes the devices that there are: what waits is sent. Shown anew once that is kept. */
function verifying(chat: string, number: string, acts: Acts): HTMLElement {
  return button('They are the same: mark as verified', async () => {
    await tried(acts.e2ee.verify(chat, number).then(() => acts.e2ee.accept(chat)))
    const identity = await tried(acts.e2ee.identity(chat))
    acts.changed()
    if (identity) showEncryption(chat, { is: identity.waits ? 'held' : 'sealed', identity }, acts)
  })
}
