/** What sealed groups need: loaded with the first. */
export { changes, compared, plainChange, textIn } from './group-opening.ts'
export { identityOf, markFor, sayWho, sendToGroup } from './group-sending.ts'
export { Groups } from './groups.ts'
