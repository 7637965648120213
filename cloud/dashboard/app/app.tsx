import { accountRoutes } from '@fusion/shared/contract/cloud/account.ts'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call, SignedOut } from './client.ts'
import { isSignedIn, signIn, signOut } from './session.ts'

/** Who is signed in decides what is shown: the way in, or the organisation. */
export function App() {
  const [signedIn, setSignedIn] = useState(isSignedIn)
  const account = useQuery({ queryKey: ['account'], queryFn: () => call(accountRoutes.account), enabled: signedIn })
  if (!signedIn || account.error instanceof SignedOut) return <Welcome />
  if (account.error) return <Trouble words={account.error.message} onAgain={() => void account.refetch()} />
  if (!account.data) return null
  const { user, organisation } = account.data
  return (
    <div className="dashboard">
      <header>
        <span className="mark" aria-hidden="true" />
        <strong>{organisation.name}</strong>
        <span className="who">{user.email}</span>
        <button className="quiet" onClick={() => void signOut().then(() => setSignedIn(false))}>
          Sign out
        </button>
      </header>
      <main />
    </div>
  )
}

function Welcome() {
  return (
    <main className="welcome">
      <span className="mark large" aria-hidden="true" />
      <h1>Fusion Cloud</h1>
      <p>People, models and usage of your organisation. Nobody reads chats here.</p>
      <button className="button main" onClick={() => void signIn()}>
        Sign in
      </button>
    </main>
  )
}

function Trouble({ words, onAgain }: { words: string; onAgain: () => void }) {
  return (
    <main className="welcome">
      <h1>The cloud did not answer</h1>
      <p>{words}</p>
      <button className="button main" onClick={onAgain}>
        Try again
      </button>
    </main>
  )
}
