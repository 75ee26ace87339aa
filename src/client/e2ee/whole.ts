/** End-to-end encryption with all of it at once: for the chat page, whose files have names of their own. */
import { e2eeWith } from './e2ee.ts'
import * as groups from './in-groups.ts'
import * as linking from './in-linking.ts'
import * as media from './in-media.ts'
import * as repairs from './in-repairs.ts'
import { plainPrimitives } from './plain.ts'

export const e2ee = e2eeWith({
  groups: async () => groups,
  linking: async () => linking,
  media: async () => media,
  repairs: async () => repairs,
  plain: async () => plainPrimitives,
})
