import { ask, fusion } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'
import { setView, useView } from '../state/view.ts'
import { FailureLine } from '../ui/failure-line.tsx'

/** What the app has to say above the composer: no connection, a request that failed, news of this installation. */
export function ChatLines() {
  const lost = useReplica(replica => replica.connection === 'lost')
  const notices = useReplica(replica => replica.app?.notices)
  const failure = useView(view => view.failure)
  return (
    <div className="lines">
      {lost && (
        <p className="lost" role="status">
          The connection to the engine was lost. Fusion is connecting again; type on, nothing is lost.
        </p>
      )}
      {failure && <FailureLine failure={failure} onClose={() => setView({ failure: null })} />}
      {notices?.map(notice => (
        <FailureLine key={notice.id} failure={notice.failure} quiet onClose={() => ask(fusion.app.dismissNotice({ id: notice.id }))} />
      ))}
    </div>
  )
}
