/** What a person does about keys, of others and their own: loaded when it is called for. */
export { codeText } from './code.ts'
export { accept, identityOf, verify } from './identity.ts'
export { anew, approve, remove } from './linking.ts'
