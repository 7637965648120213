import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import { peopleRoutes } from '@fusion/shared/contract/cloud/people.ts'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../app/client.ts'
import { roles } from '../ui/roles.ts'
import { formatMoment } from '../ui/moment.ts'
import { Section } from '../ui/section.tsx'
import { Table } from '../ui/table.tsx'

/** Links by which somebody makes an account: made here, shown once, taken back here. */
export function Invite() {
  const queries = useQueryClient()
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('member')
  const again = () => queries.invalidateQueries({ queryKey: ['invitations'] })
  const open = useQuery({ queryKey: ['invitations'], queryFn: () => call(peopleRoutes.invitations) })
  const invite = useMutation({
    mutationFn: () => call(peopleRoutes.invite, { body: { role, ...(email.trim() !== '' && { email: email.trim() }) } }),
    onSuccess: () => setEmail(''),
    onSettled: again,
  })
  const withdraw = useMutation({
    mutationFn: (id: string) => call(peopleRoutes.removeInvitation, { params: { invitation: id } }),
    onSettled: again,
  })

  return (
    <Section
      title="Invitations"
      about="A link works once, for a week. Send it yourself: Fusion sends no mail."
      failure={invite.error ?? withdraw.error ?? open.error}
    >
      <form
        className="line"
        onSubmit={event => {
          event.preventDefault()
          invite.mutate()
        }}
      >
        <input
          type="email"
          aria-label="E-mail of whoever is invited"
          placeholder="E-mail, or nothing for whoever has the link"
          value={email}
          onChange={event => setEmail(event.target.value)}
        />
        <select aria-label="Role of whoever is invited" value={role} onChange={event => setRole(event.target.value as Role)}>
          {Object.entries(roles).map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
        <button className="button main" disabled={invite.isPending}>
          Make a link
        </button>
      </form>
      {invite.data && (
        <output className="secret">
          <span>Copy it now; it is not shown again.</span>
          <code>{invite.data.link}</code>
        </output>
      )}
      {open.data && open.data.invitations.length > 0 && (
        <Table
          label="Invitations"
          rows={open.data.invitations}
          keyOf={({ id }) => id}
          empty=""
          columns={['For', 'Role', 'Good until', 'Link']}
          cells={invitation => [
            invitation.email ?? 'Whoever has the link',
            roles[invitation.role],
            formatMoment(invitation.expiresAt),
            <button key="back" className="quiet" onClick={() => withdraw.mutate(invitation.id)}>
              Take back
            </button>,
          ]}
        />
      )}
    </Section>
  )
}
