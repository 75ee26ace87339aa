/** The cryptography of end-to-end encryption, which the package does not export. */
export { type Part, parsePart } from '../../../src/client/e2ee/message.ts'
export { forget, packed, unpacked } from '../../../src/client/e2ee/packed.ts'
export * from '../../../src/client/e2ee/pairing.ts'
export * from '../../../src/client/e2ee/pairings.ts'

import { plainPrimitives } from '../../../src/client/e2ee/plain.ts'

export { newKeyPair } from '../../../src/client/e2ee/primitives.ts'
export { finished } from '../../../src/client/e2ee/ratchet.ts'

import { platformPrimitives as platform } from '../../../src/client/e2ee/webcrypto.ts'

export { type Bundle, checkedBundle, identityOf } from '../../../src/client/e2ee/x3dh.ts'

export { plainPrimitives }
export const platformPrimitives = (subtle?: SubtleCrypto) => platform(async () => plainPrimitives, subtle)
