import { type UsageCounts, usageRoutes } from '@fusion/shared/contract/cloud/usage.ts'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../app/client.ts'
import { Figures } from '../ui/figures.tsx'
import { formatCount, formatMoney } from '../ui/count.ts'
import { Section } from '../ui/section.tsx'
import { Table } from '../ui/table.tsx'

const LOOK_MS = 10_000
const spans = [
  { hours: 1, words: 'Last hour', since: 'in the last hour' },
  { hours: 24, words: '24 hours', since: 'in the last 24 hours' },
  { hours: 168, words: '7 days', since: 'in the last 7 days' },
  { hours: 744, words: '31 days', since: 'in the last 31 days' },
] as const

/** What the organisation asked models for: requests and tokens, by model and by person. */
export function Usage() {
  const [span, setSpan] = useState<(typeof spans)[number]>(spans[0])
  const { hours } = span
  const usage = useQuery({
    queryKey: ['usage', hours],
    queryFn: () => call(usageRoutes.organisation, { query: { hours } }),
    refetchInterval: LOOK_MS,
    placeholderData: keepPreviousData,
  })
  // A cloud of which no prices were told has no column of noughts.
  const priced = (usage.data?.totals.cost ?? 0) > 0
  const columns = ['Requests', 'Failed', 'Tokens read', 'Tokens written', ...(priced ? ['Cost'] : [])]
  return (
    <>
      <Section
        title="Usage"
        about="What people and programs of this organisation asked models for. Numbers only: nobody reads chats here."
        failure={usage.error}
        action={
          <fieldset className="choice" aria-label="Time">
            {spans.map(one => (
              <button key={one.hours} className="quiet" aria-pressed={one === span} onClick={() => setSpan(one)}>
                {one.words}
              </button>
            ))}
          </fieldset>
        }
      >
        {usage.data && (
          <div className={usage.isPlaceholderData ? 'waiting' : ''}>
            <Totals totals={usage.data.totals} />
          </div>
        )}
      </Section>
      {usage.data && (
        <div className={usage.isPlaceholderData ? 'waiting' : ''}>
          {usage.data.models.length === 0 && <p className="empty">{`Nobody asked a model for anything ${span.since}.`}</p>}
          {usage.data.models.length > 0 && (
            <Section title="By model">
              <Table
                label="Usage by model"
                rows={usage.data.models}
                keyOf={({ model }) => model}
                columns={['Model', ...columns]}
                numbers={columns}
                cells={({ model, ...counts }) => [
                  model === 'none' ? <NoModel key="model" /> : <code key="model">{model}</code>,
                  ...cells(counts, priced),
                ]}
              />
            </Section>
          )}
          {usage.data.people.length > 0 && (
            <Section title="By person">
              <Table
                label="Usage by person"
                rows={usage.data.people}
                keyOf={({ id }) => id}
                columns={['Person', ...columns]}
                numbers={columns}
                cells={({ name, email, ...counts }) => [<PersonOf key="person" name={name} email={email} />, ...cells(counts, priced)]}
              />
            </Section>
          )}
        </div>
      )}
    </>
  )
}

function Totals({ totals }: { totals: UsageCounts }) {
  const { requests, stopped, failed, promptTokens, cachedTokens, completionTokens, cost } = totals
  const ends = [stopped > 0 && `${formatCount(stopped)} stopped`, failed > 0 && `${formatCount(failed)} failed`].filter(Boolean)
  return (
    <Figures
      figures={[
        { name: 'Requests', value: formatCount(requests), more: ends.join(', ') || (requests > 0 ? 'All finished' : '') },
        {
          name: 'Tokens read',
          value: formatCount(promptTokens),
          more: cachedTokens > 0 ? `${shareOf(cachedTokens, promptTokens)} were known from before` : '',
        },
        { name: 'Tokens written', value: formatCount(completionTokens), more: '' },
        ...(cost > 0 ? [{ name: 'Cost', value: formatMoney(cost), more: 'In the currency of your prices' }] : []),
      ]}
    />
  )
}

const cells = ({ requests, failed, promptTokens, completionTokens, cost }: UsageCounts, priced: boolean) => [
  ...[requests, failed, promptTokens, completionTokens].map(formatCount),
  ...(priced ? [formatMoney(cost)] : []),
]

/** Never all of it where it is not, and never none. */
function shareOf(part: number, whole: number): string {
  const share = Math.floor((100 * part) / whole)
  return share === 0 ? 'Less than 1 %' : `${share} %`
}

const NoModel = () => <span className="faint">No model of this cloud</span>

function PersonOf({ name, email }: { name: string; email: string }) {
  if (email === '') return <span className="faint">Somebody who is no longer here</span>
  return (
    <>
      {name} <span className="faint">{email}</span>
    </>
  )
}
