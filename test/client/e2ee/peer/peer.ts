/** The independent peer, as a process that is asked. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { needs } from '../../../skips.ts'
import type { About, Bundle } from '../kit.ts'
import { unhex } from '../vectors.ts'

const folder = 'test/client/e2ee/peer'
const python = '.cache/peer/bin/python'

export const needsPeer = needs(
  'X3DH and DoubleRatchet for Python',
  existsSync(python),
  `python3 -m venv .cache/peer && .cache/peer/bin/pip install -r ${folder}/requirements.txt (Debian: apt-get install python3-venv)`,
)

/** What is written on the wire of the tests: bytes are hex. */
export type PartText = { readonly type: 1 | 2; readonly bytes: string }
type OwnerText = { readonly realm: string; readonly user: string; readonly device: string }
export type BundleText = {
  readonly owner: OwnerText
  readonly identity: string
  readonly signed: {
    readonly number: number
    readonly key: string
    readonly suites: string
    readonly signature: string
  }
  readonly once: readonly { readonly number: number; readonly key: string }[]
}
export type SecretsText = { readonly identity: string; readonly signed: string; readonly once: readonly string[] }
type Refused = { readonly refused: string }

export const bundleOf = ({ owner, identity, signed, once: [once] }: BundleText): Bundle => ({
  owner,
  identity: unhex(identity),
  signed: {
    number: signed.number,
    key: unhex(signed.key),
    suites: unhex(signed.suites),
    signature: unhex(signed.signature),
  },
  once: once && { number: once.number, key: unhex(once.key) },
})

type Asked =
  | { do: 'new'; device: string; owner: OwnerText; once: boolean }
  | { do: 'begin'; device: string; bundle: BundleText }
  | { do: 'write'; device: string; text: string; about: About }
  | { do: 'read'; device: string; part: PartText; about: About; peer: OwnerText & { readonly identity: string } }
type Answers = { new: BundleText & { secrets: SecretsText }; begin: null; write: PartText; read: string | Refused }

export class Peer {
  readonly #process = spawn(python, [`${folder}/peer.py`], { stdio: ['pipe', 'pipe', 'inherit'] })
  readonly #lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()

  async ask<Do extends Asked['do']>(
    asked: Extract<Asked, { do: Do }>,
  ): Promise<{ answer: Answers[Do]; chance: string[] }> {
    this.#process.stdin.write(`${JSON.stringify(asked)}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the peer has ended, and says above why')
    return JSON.parse(value)
  }

  end(): void {
    this.#process.kill()
  }
}
