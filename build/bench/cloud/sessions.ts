import type { TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import { judge, type Row } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import { quantile } from '../statistics.ts'
import { written } from './load.ts'
import { loads } from './loads.ts'
import type { CloudSetting } from './setting.ts'
import { ADMIN, refreshBody, signIn } from './sign-in.ts'

const AT_ONCE = 4
const WHAT = 'Sign-in with a password, from the page to the tokens'

/** Coming in, and staying in: sign-ins by one and by four at once, and refreshes by all. */
export async function sessions({ quick, url, cloud, writers }: CloudSetting): Promise<Row[]> {
  const times = quick ? 5 : 20
  async function signInsOf(people: readonly string[]): Promise<{ perSecond: number; p50: number; p99: number }> {
    const latencies: number[] = []
    const startedAt = performance.now()
    await Promise.all(
      people.map(async email => {
        for (let time = 0; time < times; time++) {
          const at = performance.now()
          await signIn(url, email)
          latencies.push(performance.now() - at)
        }
      }),
    )
    const seconds = (performance.now() - startedAt) / 1000
    return { perSecond: latencies.length / seconds, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) }
  }
  const rounds = quick ? 1 : 5
  const alone = await interleave(rounds, () => signInsOf([ADMIN]), undefined)
  const several = await interleave(rounds, () => signInsOf(writers.slice(0, AT_ONCE).map(({ email }) => email)), undefined)

  const refreshTokens: string[] = []
  for (const { email } of writers) refreshTokens.push((await signIn(url, email)).refresh_token)
  const refreshes = await loads(`${writers.length} apps refresh their tokens`, {
    quick,
    ours: {
      port: cloud.port,
      askers: () =>
        refreshTokens.map((_, index) => ({
          next: () =>
            written('POST', '/oauth/token', { type: 'application/x-www-form-urlencoded', body: refreshBody(refreshTokens[index]!) }),
          answered(body) {
            refreshTokens[index] = (JSON.parse(body) as TokenReply).refresh_token
          },
        })),
    },
  })
  return [
    judge(
      `${WHAT}: p50`,
      'ms',
      figures(alone, ({ p50 }) => p50),
      null,
    ),
    judge(
      `${WHAT}: p99`,
      'ms',
      figures(alone, ({ p99 }) => p99),
      null,
    ),
    judge(
      `${WHAT}, ${AT_ONCE} at once: in all`,
      'sign-ins/s',
      figures(several, ({ perSecond }) => perSecond),
      null,
    ),
    judge(
      `${WHAT}, ${AT_ONCE} at once: p50`,
      'ms',
      figures(several, ({ p50 }) => p50),
      null,
    ),
    judge(
      `${WHAT}, ${AT_ONCE} at once: p99`,
      'ms',
      figures(several, ({ p99 }) => p99),
      null,
    ),
    ...refreshes,
  ]
}
