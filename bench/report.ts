/** A run as one HTML page that needs nothing else. */
import { bars, lines } from './plot.ts'
import { type Figures, type Result, table } from './table.ts'

const of = (figures: Figures, key: string): number => Number(figures[key] ?? 0)

export function report(result: Result): string {
  const { density, throughput, latency, fanout, replay, actors, cluster } = result.results
  const plots = [
    density && memory(density),
    throughput && speed(throughput),
    latency && ticks(latency),
    fanout && copies(fanout),
    replay && bars('Replay', [{ name: 'entries per second to one device', value: of(replay, 'entries_per_second') }]),
    actors &&
      bars('Bytes of a user actor without a socket', [
        { name: 'awake', value: of(actors, 'bytes_per_actor_awake') },
        { name: 'hibernated', value: of(actors, 'bytes_per_actor_hibernated') },
      ]),
    cluster && shares(cluster),
  ].filter(Boolean)
  const plain = table(result).replace(/&/g, '&amp;').replace(/</g, '&lt;')
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>bluetick bench</title><style>${style}</style></head>
<body><h1>bluetick bench</h1><main>${plots.join('\n')}</main><pre tabindex="0">${plain}</pre></body></html>\n`
}

const style = `:root{color-scheme:light dark}body{font:15px/1.5 sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;background:#fff;color:#111827}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:1em}svg{width:100%;height:auto;border:1px solid #e5e7eb;border-radius:6px}
pre{overflow:auto;background:#f3f4f6;padding:1em;border-radius:6px;font-size:13px}
@media (prefers-color-scheme:dark){body{background:#030712;color:#e5e7eb}pre{background:#111827}svg{border-color:#374151}}`

/** The picture of the README too. */
export function memory(density: Figures): string {
  const users = of(density, 'users').toLocaleString('en')
  return bars(`Memory of an idle connected user, bytes (${users} users)`, [
    { name: 'bluetick, resident', value: of(density, 'node_rss_bytes_per_user') },
    { name: 'bare uWebSockets.js, resident', value: of(density, 'floor_rss_bytes_per_user') },
    { name: 'bluetick, kernel', value: of(density, 'kernel_bytes_per_user') },
    { name: 'bare uWebSockets.js, kernel', value: of(density, 'floor_kernel_bytes_per_user') },
  ])
}

function speed(throughput: Figures): string {
  const series = (throughput['messages_by_half_second'] ?? []) as number[]
  const points = series.map((count, n) => [(n + 1) / 2, count * 2] as const)
  const cost = bars('CPU of a message, µs (all threads of the process)', [
    { name: 'bluetick', value: of(throughput, 'node_cpu_us_per_message') },
    { name: 'bare relay, stores nothing', value: of(throughput, 'floor_cpu_us_per_message') },
  ])
  return cost + lines('Throughput over time', 'seconds', 'messages/s', [{ name: 'delivered', points }])
}

function copies(fanout: Figures): string {
  const rows = (fanout['curve'] ?? []) as Figures[]
  const each = (key: string) =>
    rows.map((row) => ({
      name: `${of(row, 'members').toLocaleString('en')} members, ${row['online'] ? 'online' : 'offline'}`,
      value: of(row, key),
    }))
  return (
    bars('Copies of group messages per second', each('deliveries_per_second')) +
    bars('CPU of a copy, µs', each('node_cpu_us_per_delivery'))
  )
}

function shares(cluster: Figures): string {
  const rows = (cluster['loads'] ?? []) as Figures[]
  const each = rows.map((row) => ({
    name: `${of(row, 'nodes')} nodes, users ${row['homed'] ? 'at home' : 'anywhere'}, ${Math.round(of(row, 'rate'))}/s`,
    value: of(row, 'node_cpu_us_per_message'),
  }))
  return bars('CPU of a message, µs, of all nodes', each)
}

function ticks(latency: Figures): string {
  const rows = ((latency['rates'] ?? []) as Figures[]).toSorted((one, other) => of(one, 'rate') - of(other, 'rate'))
  const line = (name: string, key: string) => ({
    name,
    // Not all are measured at each rate of the search.
    points: rows.filter((row) => key in row).map((row) => [of(row, 'rate'), of(row, key)] as const),
  })
  return lines(
    'Latency by rate',
    'messages per second',
    'ms',
    [
      line('delivered p50', 'delivered_p50_ms'),
      line('bare relay p99', 'floor_delivered_p99_ms'),
      line('delivered p99', 'delivered_p99_ms'),
      line('sent p50', 'sent_p50_ms'),
    ],
    true,
  )
}
