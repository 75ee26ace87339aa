export { e2ee } from './e2ee.ts'
export type {
  Change,
  E2ee,
  E2eeEvents,
  E2eeOptions,
  GroupChange,
  GroupIdentity,
  Place,
  Unread,
  UserIdentity,
  Why,
} from './types.ts'
