import type { Store } from '../../src/store/contract.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { keyContract } from '../contracts/keys.ts'
import { lastingContract } from '../contracts/lasting.ts'
import { leaseContract } from '../contracts/leases.ts'
import { storeContract } from '../contracts/store.ts'

const reopen = (closed: Store) => closed
for (const contract of [storeContract, lastingContract, leaseContract, keyContract])
  contract('memory', memoryStore, { reopen })
