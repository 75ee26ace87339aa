import { e2eeWith } from './e2ee.ts'

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

/** What not everybody needs is loaded where it is called for. */
export const e2ee = e2eeWith({
  groups: () => import('./in-groups.ts'),
  linking: () => import('./in-linking.ts'),
  media: () => import('./in-media.ts'),
  repairs: () => import('./in-repairs.ts'),
  plain: async () => (await import('./plain.ts')).plainPrimitives,
})
