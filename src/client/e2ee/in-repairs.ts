/** What is said to make good what could not be read: loaded when there is such a thing. */
export { sayQuietly } from './quiet.ts'
export { resend } from './resending.ts'
