import { makeToken } from '../embed/tokens.ts'
import { isId, isUserId } from '../protocol/ids.ts'
import { Misuse } from './misuse.ts'
import { readOptions } from './options.ts'
import { claimsOf, claimTable, makeSecret, readKeys } from './secret.ts'
import { most, type Option } from './values.ts'

export const table = {
  'secret-file': {
    text: 'file with the secrets of tokens; the first signs',
    value: 'FILE',
    default: '',
    env: 'BLUETICK_SECRET_FILE',
  },
  ...claimTable,
  device: { text: 'binds the token to one device', value: 'DEVICE', default: '', env: 'BLUETICK_DEVICE' },
  hours: { text: 'hours that the token is valid', default: '720', env: 'BLUETICK_TOKEN_HOURS', whole: [1, most] },
} satisfies Record<string, Option>

/** The most that a node can be told to take. */
const idLength = 256

export async function token(args: string[]): Promise<void> {
  const read = readOptions('bluetick token USER [options]: prints a token.', table, args, 1)
  if (!read) return
  const { values, rest } = read
  const [user] = rest
  if (!user) throw new Misuse('whose token? bluetick token USER')
  if (!isUserId(user, idLength)) throw new Misuse(`no user can be called "${user}"`)
  const { device } = values
  if (device && !isId(device, idLength)) throw new Misuse(`no device can be called "${device}"`)
  if (!values['secret-file']) throw new Misuse(`--secret-file is missing; make a secret with: ${makeSecret('secret')}`)
  const identity = { user, ...(device && { device }), ...claimsOf(values) }
  const [first] = await readKeys(values['secret-file'])
  console.log(await makeToken(first as Uint8Array, identity, Number(values.hours) * 3600))
}
