/**
 * What one of two people shows the other, as a QR code: their safety number, which is of the roots alone, and how far a device has followed the
 * chains of both. So what a server shows to one of them only is found where they stand side by side.
 */
import { framed, uint32At } from '../../protocol/keys/bytes.ts'
import type { Chain } from '../../protocol/keys/chain.ts'
import { UsageError } from '../errors.ts'
import { fieldsIn, textOfBytes } from './code.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import { type Head, headBytes } from './payload.ts'

const mark = 'bluetick-number:'
const version = 1

/** `digits`: of the safety number. */
type Card = { readonly digits: string; readonly heads: ReadonlyMap<string, Head> }

/** About 200 letters, digits, - and _. */
export const cardText = (digits: string, ...chains: readonly Chain[]): string =>
  mark +
  textOfBytes(framed([version, digits, ...chains.flatMap(({ user, n, hash }) => [user, n, hash.slice(0, headBytes)])]))

/** undefined: no such card, or of a later version. */
function cardIn(text: string): Card | undefined {
  const [of, digits, ...fields] = fieldsIn(text.replace(/\s/g, ''), mark) ?? []
  if (of?.length !== 4 || of[3] !== version || !digits || fields.length !== 6) return undefined
  const heads = new Map<string, Head>()
  for (const at of [0, 3]) {
    const [user, n, hash] = fields.slice(at, at + 3)
    if (n?.length !== 4 || hash?.length !== headBytes) return undefined
    heads.set(new TextDecoder().decode(user), { n: uint32At(n, 0), hash })
  }
  return { digits: new TextDecoder().decode(digits), heads }
}

/** Whether a user is who they seem, as the card says that they show. Rejects with a UsageError where it is not so. */
export async function check({ pins, user: me }: Engine, line: Line, user: string, text: string, digits: string) {
  const card = cardIn(text)
  const [theirs, mine] = [card?.heads.get(user), card?.heads.get(me)]
  if (!card || !theirs || !mine) throw new UsageError('bad_code', `this is not what ${user} shows to ${me}`)
  if (card.digits !== digits) throw new UsageError('other_number', 'the numbers differ')
  for (const [of, head] of [
    [user, theirs],
    [me, mine],
  ] as const)
    if (head.n > (await pins.known(line, of)).chain.n) await pins.fresh(line, of)
  // That is told, and nothing of it is kept: somebody else may have shown the card.
  pins.compare(user, theirs, false)
  pins.compare(me, mine, false)
  // Each knows their own devices best: none of them is known to the other alone. Of one's own the other may not have heard yet.
  const known = (of: string) => pins.of(of)?.chain.n ?? 0
  const isSame = theirs.n === known(user) && mine.n <= known(me)
  if (!isSame || pins.differs(user, theirs) || pins.differs(me, mine))
    throw new UsageError(
      'other_devices',
      `the server shows ${user} and ${me} different devices, unless this code is of before one came: have it shown anew`,
    )
}
