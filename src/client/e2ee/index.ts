/** End-to-end encryption, so far its cryptography alone: nothing of the SDK uses it yet, and the package does not export it. */
export { type Opening, type Part, parsePart } from './message.ts'
export { type Root, safetyNumber } from './number.ts'
export { forget, packed, unpacked } from './packed.ts'
export * from './pairing.ts'
export { newKeyPair, type Primitives, plainPrimitives } from './primitives.ts'
export { finished } from './ratchet.ts'
export { platformPrimitives } from './webcrypto.ts'
export { type Bundle, checkedBundle, identityOf } from './x3dh.ts'
