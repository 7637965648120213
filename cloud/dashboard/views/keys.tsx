import { adminRoutes } from '@fusion/shared/contract/cloud/admin.ts'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { call } from '../app/client.ts'
import { formatDay, formatMoment } from '../ui/moment.ts'
import { Section } from '../ui/section.tsx'
import { Table } from '../ui/table.tsx'
import { MakeKey } from './make-key.tsx'

/** The keys that programs of the organisation come in with. */
export function Keys({ mayChange }: { mayChange: boolean }) {
  const queries = useQueryClient()
  const keys = useInfiniteQuery({
    queryKey: ['keys'],
    queryFn: ({ pageParam }) => call(adminRoutes.apiKeys, { query: { after: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => (page.more ? page.keys.at(-1)?.key.id : undefined),
  })
  const revoke = useMutation({
    mutationFn: (id: string) => call(adminRoutes.revokeApiKey, { params: { key: id } }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['keys'] }),
  })
  const rows = keys.data?.pages.flatMap(page => page.keys) ?? []

  return (
    <>
      <MakeKey />
      <Section title="Keys of the organisation" failure={revoke.error ?? keys.error}>
        {keys.data && (
          <Table
            label="API keys"
            rows={rows}
            keyOf={({ key }) => key.id}
            empty="No program has a key yet."
            columns={['Name', 'Key', 'Owner', 'For', 'Used', 'Good until', 'End']}
            cells={({ key, owner }) => [
              key.name,
              <code key="key">{key.begins}…</code>,
              owner.email,
              key.scopes.join(', '),
              key.lastUsedAt === null ? 'Never' : formatMoment(key.lastUsedAt),
              key.expiresAt === null ? 'No end' : formatDay(key.expiresAt),
              mayChange && (
                <button key="end" className="quiet" aria-label={`Revoke ${key.name}`} onClick={() => revoke.mutate(key.id)}>
                  Revoke
                </button>
              ),
            ]}
          />
        )}
        {keys.hasNextPage && (
          <button className="button small" onClick={() => void keys.fetchNextPage()}>
            Show more
          </button>
        )}
      </Section>
    </>
  )
}
