import type { ApiState } from '@fusion/shared/contract/api.ts'

/** What programs have it do just now. Not spoken: it changes by the second. */
export function Figures({ api }: { api: ApiState }) {
  const { running, waiting, tokensPerSecond } = api
  return (
    <section aria-label="Now">
      <h2>Now</h2>
      <dl className="figures">
        <Figure name={running === 1 ? 'request running' : 'requests running'} value={String(running)} />
        <Figure name="waiting" value={String(waiting)} />
        <Figure
          name="tokens per second"
          value={tokensPerSecond > 0 && tokensPerSecond < 9.95 ? tokensPerSecond.toFixed(1) : String(Math.round(tokensPerSecond))}
        />
      </dl>
    </section>
  )
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
