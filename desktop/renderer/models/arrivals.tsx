import { FailureLine } from '../ui/failure-line.tsx'
import { Progress } from '../ui/progress.tsx'
import { ask, fusion } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'
import { useView } from '../state/view.ts'

/** Model files on their way in: copied, checked, or refused with the reason. */
export function Arrivals() {
  const arrivals = useReplica(replica => replica.models?.arrivals) ?? []
  const copies = useView(view => view.copies)
  if (arrivals.length === 0) return null
  return (
    <ul className="arrivals">
      {arrivals.map(({ id, name, at, fraction, failure }) => (
        <li key={id}>
          {at === 'refused' && failure ? (
            <FailureLine failure={failure} onClose={() => ask(fusion.models.dismissArrival({ id }))} />
          ) : (
            <>
              <span>
                {at === 'copying' ? 'Copying' : 'Checking'} {name}
              </span>
              <Progress label={`${at === 'copying' ? 'Copying' : 'Checking'} ${name}`} fraction={fraction} />
              {at === 'copying' && copies[id] && (
                <button type="button" className="quiet" onClick={copies[id].cancel}>
                  Cancel
                </button>
              )}
            </>
          )}
        </li>
      ))}
    </ul>
  )
}
