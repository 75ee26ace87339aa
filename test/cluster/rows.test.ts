import { clusterContract } from '../contracts/cluster.ts'
import { clusterRows } from '../forwarding/shared.ts'

clusterContract('the rows of the simulation', async () => clusterRows())
