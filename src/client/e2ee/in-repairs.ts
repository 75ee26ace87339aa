/** What is said to make good what could not be read: loaded when there is such a thing. */
export { Asking } from './asking.ts'
