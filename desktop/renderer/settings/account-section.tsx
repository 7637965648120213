import { useEffect, useRef, useState, type FormEvent } from 'react'
import type { SignInEvent, SignInWish } from '@fusion/shared/contract/account.ts'
import { Failure, isCancelled, type FailureBody } from '@fusion/shared/rpc/failure.ts'
import { ask, fusion, link } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { FailureLine } from '../ui/failure-line.tsx'

/** Who is signed in to which cloud, and the ways in and out. */
export function AccountSection() {
  const account = useReplica(replica => replica.account)
  if (!account) return null
  const { signedIn, failure, lastAddress } = account
  return (
    <section aria-label="Account" className="account">
      <h3>Account</h3>
      {failure && <FailureLine failure={failure} quiet />}
      {signedIn ? <SignedIn {...signedIn} /> : <SignIn lastAddress={lastAddress} />}
    </section>
  )
}

type SignedInProps = NonNullable<NonNullable<ReturnType<typeof useReplica.getState>['account']>['signedIn']>

function SignedIn({ address, email, name, organisation, keptIn }: SignedInProps) {
  return (
    <>
      <div className="setting">
        <div>
          <b>{name || email}</b>
          <small>
            {email} · {organisation}
            <br />
            <i className="dot cloud" aria-hidden /> {new URL(address).host}
          </small>
        </div>
        <button type="button" className="button small" onClick={() => ask(fusion.account.signOut({}))}>
          Sign out
        </button>
      </div>
      {keptIn === 'keychain' ? (
        <p className="kept">The sign-in is kept in the keychain of this computer.</p>
      ) : (
        <p className="kept">
          This computer has no keychain that Fusion can use. The sign-in is kept encrypted in the data folder, with its key beside it: who
          can read that folder can use your account.
        </p>
      )}
    </>
  )
}

function SignIn({ lastAddress }: { lastAddress: string | null }) {
  const [address, setAddress] = useState(lastAddress ?? '')
  const [step, setStep] = useState<SignInEvent | 'asking' | null>(null)
  const [failure, setFailure] = useState<FailureBody | null>(null)
  const leaving = useRef<AbortController | null>(null)
  useEffect(() => () => leaving.current?.abort(), [])

  async function signIn(by: SignInWish['by']): Promise<void> {
    const leave = new AbortController()
    leaving.current = leave
    setFailure(null)
    setStep('asking')
    try {
      const client = await link.client({ signal: leave.signal })
      for await (const event of client.account.signIn({ address, by }, { signal: leave.signal })) {
        setStep(event)
        // Where the browser keeps this back, the link below does the same.
        if (event.type === 'address-given') window.open(event.address, '_blank', 'noopener')
      }
    } catch (error) {
      if (!isCancelled(error) && !leave.signal.aborted) setFailure(Failure.toBody(error))
    } finally {
      if (leaving.current === leave) setStep(null)
    }
  }

  const giveUp = (
    <button
      type="button"
      className="button small"
      onClick={() => {
        leaving.current?.abort()
        setStep(null)
      }}
    >
      Cancel
    </button>
  )
  if (step === 'asking') return <p className="sign-in-step">Asking the cloud {giveUp}</p>
  if (step?.type === 'address-given') {
    return (
      <div className="sign-in-step" role="status">
        <p>
          Sign in on the page that your browser shows.{' '}
          <a href={step.address} target="_blank" rel="noreferrer">
            Open the page
          </a>
        </p>
        {giveUp}
      </div>
    )
  }
  if (step?.type === 'code-given') {
    return (
      <div className="sign-in-step" role="status">
        <p>
          On any device, open{' '}
          <a href={step.address} target="_blank" rel="noreferrer">
            {step.address}
          </a>{' '}
          and write this code:
        </p>
        <output>{step.code}</output>
        <CopyButton text={() => step.code} label="Copy the code" className="button small" />
        {giveUp}
      </div>
    )
  }
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    void signIn('browser')
  }
  return (
    <form className="sign-in" onSubmit={onSubmit}>
      <p>With an account, larger models answer in a cloud. Without one, everything stays on this computer.</p>
      <label>
        Address of the cloud
        <input
          type="text"
          inputMode="url"
          autoComplete="url"
          spellCheck={false}
          value={address}
          placeholder="https://cloud.example.org"
          onChange={event => setAddress(event.target.value)}
        />
      </label>
      <div className="go">
        <button type="submit" className="button small" disabled={address.trim() === ''}>
          Sign in
        </button>
        <button type="button" className="button small" disabled={address.trim() === ''} onClick={() => void signIn('code')}>
          Sign in with a code
        </button>
      </div>
      {failure && <FailureLine failure={failure} />}
    </form>
  )
}
