import type { Store } from '../../src/store/contract.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { keyContract } from '../contracts/keys.ts'
import { lastingContract } from '../contracts/lasting.ts'
import { peopleContract } from '../contracts/people.ts'
import { storeContract } from '../contracts/store.ts'

const reopen = (closed: Store) => closed
for (const contract of [storeContract, lastingContract, keyContract, peopleContract])
  contract('memory', memoryStore, { reopen })
