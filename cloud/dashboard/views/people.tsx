import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import { type Person, peopleRoutes } from '@fusion/shared/contract/cloud/people.ts'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { call } from '../app/client.ts'
import { formatDay } from '../ui/moment.ts'
import { roles } from '../ui/roles.ts'
import { Section } from '../ui/section.tsx'
import { Table } from '../ui/table.tsx'
import { Invite } from './invite.tsx'

/** Who is in the organisation, what they may do, and who was invited. */
export function People({ mayChange, own }: { mayChange: boolean; own: string }) {
  const queries = useQueryClient()
  const people = useInfiniteQuery({
    queryKey: ['people'],
    queryFn: ({ pageParam }) => call(peopleRoutes.people, { query: { after: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => (page.more ? page.users.at(-1)?.id : undefined),
  })
  const change = useMutation({
    mutationFn: ({ id, ...body }: { id: string; role?: Role; disabled?: boolean }) =>
      call(peopleRoutes.changePerson, { params: { user: id }, body }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['people'] }),
  })
  const rows = people.data?.pages.flatMap(page => page.users) ?? []

  function accountOf({ id, name, disabledAt }: Person) {
    const open = disabledAt === null
    if (!mayChange || id === own) return open ? 'Open' : 'Closed'
    return (
      <button
        className="quiet"
        aria-label={`${open ? 'Close' : 'Open'} the account of ${name}`}
        onClick={() => change.mutate({ id, disabled: open })}
      >
        {open ? 'Close' : 'Open again'}
      </button>
    )
  }

  return (
    <>
      <Section
        title="People"
        about="Members chat, auditors also see this dashboard, admins change it. Nobody reads chats here."
        failure={change.error ?? people.error}
      >
        {people.data && (
          <Table
            label="People"
            rows={rows}
            keyOf={({ id }) => id}
            empty="Nobody yet."
            columns={['Name', 'E-mail', 'Role', 'Since', 'Account']}
            cells={person => [
              <span key="name" className={person.disabledAt === null ? '' : 'closed'}>
                {person.name}
              </span>,
              person.email,
              <RoleOf key="role" person={person} mayChange={mayChange} onChange={role => change.mutate({ id: person.id, role })} />,
              formatDay(person.createdAt),
              accountOf(person),
            ]}
          />
        )}
        {people.hasNextPage && (
          <button className="button small" onClick={() => void people.fetchNextPage()}>
            Show more
          </button>
        )}
      </Section>
      {mayChange && <Invite />}
    </>
  )
}

function RoleOf({ person, mayChange, onChange }: { person: Person; mayChange: boolean; onChange: (role: Role) => void }) {
  if (!mayChange) return roles[person.role]
  return (
    <select aria-label={`Role of ${person.name}`} value={person.role} onChange={event => onChange(event.target.value as Role)}>
      {Object.entries(roles).map(([role, name]) => (
        <option key={role} value={role}>
          {name}
        </option>
      ))}
    </select>
  )
}
