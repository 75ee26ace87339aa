/** All about the encryption of one chat: the security number of two people, their devices, and what is not encrypted. */
import type { E2ee, UserIdentity } from '../../client/e2ee/types.ts'
import { deviceWords } from '../devices.ts'
import { make } from '../dom.ts'
import { notice } from '../notice.ts'
import { button, openSheet, openSheetOf, tried } from '../sheet.ts'
import { codeForm } from './field.ts'
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
  /** Why a group is not encrypted, as sentences. */
  readonly plainGroup: (group: string) => Promise<string>
}

export function showEncryption(chat: string, secrecy: Secrecy, acts: Acts): void {
  if (secrecy.is === 'open' && secrecy.why === 'group') return void showPlainGroup(chat, acts)
  if (secrecy.is === 'open') {
    const act = secrecy.why === 'off' ? [acts.turnOn()] : secrecy.why === 'unlinked' ? [acts.link()] : []
    return openSheet('Not encrypted', make('p', 'words', openWords(secrecy.why, chat, acts.required)), ...act)
  }
  if (secrecy.is === 'group') return showGroup(secrecy, acts)
  showPerson(chat, secrecy.identity, acts)
}

/** With whom of a group the numbers are to be compared. */
function showGroup({ group, held }: Extract<Secrecy, { is: 'group' }>, acts: Acts): void {
  const compare = held.map(({ user, identity }) =>
    button(`Compare the security number with ${user}`, () => showPerson(user, identity, acts)),
  )
  openSheet('Encryption', make('p', 'words', groupWords(group, held)), ...compare)
}

export function showPerson(chat: string, identity: UserIdentity, acts: Acts): void {
  const { safetyNumber, card, devices, verified } = identity
  const says = identity.waits
    ? heldWords({ user: chat, identity }, false)
    : `What you and ${chat} write is encrypted on your devices, photos and files as well, and only they can read it.`
  openSheet(
    'Encryption',
    make('p', 'words', says),
    make('h3', '', `Security number with ${chat}`),
    digits(safetyNumber),
    figure(card, chat),
    make(
      'p',
      'words',
      verified
        ? `You have marked ${chat} as verified.`
        : `${chat} sees the same number on their screen. Compare it side by side, or in a call: if it is the same, nobody stands between you.`,
    ),
    ...(verified ? [] : [verifying(chat, identity, acts)]),
    scanning(chat, identity, acts),
    make('h3', '', `Devices of ${chat}`),
    make('ul', 'people', ...devices.map((device) => make('li', '', make('span', 'name', deviceWords(device))))),
  )
}

async function showPlainGroup(group: string, acts: Acts): Promise<void> {
  const words = await openSheetOf('Not encrypted', acts.plainGroup(group))
  if (words !== undefined) openSheet('Not encrypted', make('p', 'words', words))
}

function digits(number: string): HTMLElement {
  const groups = number.split(' ').map((group) => make('span', '', `${group} `))
  return make('p', 'digits', ...groups)
}

const figure = (card: string, chat: string): HTMLElement =>
  make('figure', 'code', qrCode(card, `The security number with ${chat} as a QR code`))

function verifying(chat: string, shown: UserIdentity, acts: Acts): HTMLElement {
  return button('They are the same: mark as verified', () => tried(verify(chat, shown, shown.safetyNumber, acts)))
}

/** The code of the other one says more than the number: whether the server shows both the same devices. */
function scanning(chat: string, shown: UserIdentity, acts: Acts): HTMLElement {
  return button(`Scan the code of ${chat}`, () =>
    openSheet(
      `Scan the code of ${chat}`,
      make('p', 'words', `On the screen of ${chat}, press the lock of this chat. Take a picture of the code there.`),
      codeForm({
        label: `Code on the screen of ${chat}`,
        placeholder: 'bluetick-number:…',
        yes: 'Compare',
        act: async (code) => {
          await verify(chat, shown, code, acts)
          notice(`The codes match: ${chat} is verified.`)
        },
      }),
    ),
  )
}

/** Who has compared them takes the devices that were shown: what waits is sent. Shown anew once that is kept. */
async function verify(chat: string, shown: UserIdentity, number: string, { e2ee, ...acts }: Acts): Promise<void> {
  await e2ee.verify(chat, number)
  await e2ee.accept(chat, shown)
  acts.changed()
  showPerson(chat, await e2ee.identity(chat), { e2ee, ...acts })
}
