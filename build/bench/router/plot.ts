// Lines over the rate of requests, as an SVG that can be read on a light and on a dark page.

interface Plot {
  title: string
  lines: { name: string; points: [number, number][] }[]
  /** Of what is measured. */
  logarithmic: boolean
}

const WIDTH = 860
const HEIGHT = 440
const LEFT = 64
const RIGHT = 220
const TOP = 44
const BOTTOM = 52

/** Told apart without colour as well, by their dashes. */
const looks = [
  ['#d9480f', ''],
  ['#868e96', '2 4'],
  ['#868e96', '8 4'],
  ['#868e96', ''],
  ['#1c7ed6', ''],
  ['#1c7ed6', '5 4'],
  ['#2f9e44', ''],
  ['#2f9e44', '5 4'],
  ['#9c36b5', ''],
] as const

/** Round numbers up to beyond the highest. */
function ticks(highest: number): number[] {
  const power = 10 ** Math.floor(Math.log10(highest))
  const step = [0.2, 0.5, 1, 2].map(part => part * power).find(size => highest / size <= 6)!
  return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, index) => index * step)
}

function powers(lowest: number, highest: number): number[] {
  const first = Math.floor(Math.log10(lowest))
  return Array.from({ length: Math.ceil(Math.log10(highest)) - first + 1 }, (_, index) => 10 ** (first + index))
}

export function plot({ title, lines, logarithmic }: Plot): string {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value))
  const rates = lines[0]!.points.map(([rate]) => rate)
  const marks = logarithmic ? powers(Math.min(...values), Math.max(...values)) : ticks(Math.max(...values))
  const scale = (value: number) => (logarithmic ? Math.log10(value) : value)
  const [low, high] = [scale(marks[0]!), scale(marks.at(-1)!)]
  const x = (rate: number) => round(LEFT + (rate / Math.max(...rates)) * (WIDTH - LEFT - RIGHT))
  const y = (value: number) => round(HEIGHT - BOTTOM - ((scale(value) - low) / (high - low)) * (HEIGHT - TOP - BOTTOM))
  const style = (index: number) => {
    const [colour, dashes] = looks[index % looks.length]!
    return `stroke="${colour}"${dashes && ` stroke-dasharray="${dashes}"`} stroke-width="${index === 0 ? 3 : 1.8}"`
  }
  const drawn = lines.map(
    ({ points }, index) =>
      `<polyline fill="none" ${style(index)} points="${points.map(([rate, value]) => `${x(rate)},${y(value)}`).join(' ')}"/>`,
  )
  const names = lines.map(({ name }, index) => {
    const at = TOP + 10 + index * 22
    const from = WIDTH - RIGHT + 20
    return `<line x1="${from}" x2="${from + 28}" y1="${at}" y2="${at}" ${style(index)}/><text x="${from + 36}" y="${at + 4}">${name}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}, over requests per second">`,
    '<style>text{font:13px system-ui,sans-serif;fill:#343a40}.grid{stroke:#adb5bd;stroke-opacity:.4}',
    '@media (prefers-color-scheme:dark){text{fill:#dee2e6}.grid{stroke:#868e96}}</style>',
    `<text x="${LEFT}" y="24" font-weight="600">${title}</text>`,
    ...marks.flatMap(mark => [
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(mark)}" y2="${y(mark)}"/>`,
      `<text x="${LEFT - 8}" y="${y(mark) + 4}" text-anchor="end">${mark.toLocaleString('en-US')}</text>`,
    ]),
    ...rates.map(rate => `<text x="${x(rate)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${rate}</text>`),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">requests per second, 8 servers</text>`,
    // Ours last, so that no other hides it.
    ...drawn.toReversed(),
    ...names,
    '</svg>',
    '',
  ].join('\n')
}

const round = (value: number) => Math.round(value * 10) / 10
