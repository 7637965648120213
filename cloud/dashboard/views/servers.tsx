import { adminRoutes } from '@fusion/shared/contract/cloud/admin.ts'
import { useQuery } from '@tanstack/react-query'
import { call } from '../app/client.ts'
import { Section } from '../ui/section.tsx'
import { Table } from '../ui/table.tsx'

const LOOK_MS = 3_000

/** The model servers and how they are, as long as somebody looks. */
export function Servers() {
  const servers = useQuery({ queryKey: ['servers'], queryFn: () => call(adminRoutes.modelServers), refetchInterval: LOOK_MS })
  return (
    <Section title="Model servers" about="As the server that answers this page sees them." failure={servers.error}>
      {servers.data && (
        <Table
          label="Model servers"
          rows={servers.data.servers}
          keyOf={({ server }) => server}
          empty="No model server is set up. MODEL_SERVERS names them."
          columns={['Server', 'State', 'Models', 'Under way']}
          cells={({ server, up, models, inFlight }) => [
            <code key="server">{server}</code>,
            <span key="state" className="state">
              <i className={up ? 'dot cloud' : 'dot bad'} aria-hidden="true" />
              {up ? 'Answers' : 'Does not answer'}
            </span>,
            models.join(', ') || 'None known',
            inFlight,
          ]}
        />
      )}
    </Section>
  )
}
