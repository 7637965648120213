import { accountRoutes } from '@fusion/shared/contract/cloud/account.ts'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Keys } from '../views/keys.tsx'
import { People } from '../views/people.tsx'
import { Servers } from '../views/servers.tsx'
import { Usage } from '../views/usage.tsx'
import { call, SignedOut } from './client.ts'
import { isSignedIn, signIn, signOut } from './session.ts'

/** Who is signed in decides what is shown: the way in, or the organisation. */
export function App() {
  const [signedIn, setSignedIn] = useState(isSignedIn)
  const [view, setView] = useState<View>('people')
  const account = useQuery({ queryKey: ['account'], queryFn: () => call(accountRoutes.account), enabled: signedIn })
  if (!signedIn || account.error instanceof SignedOut) return <Welcome />
  if (account.error) return <Trouble words={account.error.message} onAgain={() => void account.refetch()} />
  if (!account.data) return null
  const { user, organisation } = account.data
  const leave = () => void signOut().then(() => setSignedIn(false))
  if (user.role === 'member') return <NotForYou email={user.email} onLeave={leave} />
  const mayChange = user.role === 'admin'
  return (
    <div className="dashboard">
      <header>
        <span className="mark" aria-hidden="true" />
        <strong>{organisation.name}</strong>
        <nav aria-label="Dashboard">
          {Object.entries(views).map(([name, words]) => (
            <button key={name} className="quiet" aria-current={name === view ? 'page' : undefined} onClick={() => setView(name as View)}>
              {words}
            </button>
          ))}
        </nav>
        <span className="who">{user.email}</span>
        <button className="quiet" onClick={leave}>
          Sign out
        </button>
      </header>
      <main>
        {view === 'people' && <People mayChange={mayChange} own={user.id} />}
        {view === 'usage' && <Usage />}
        {view === 'keys' && <Keys mayChange={mayChange} />}
        {view === 'servers' && <Servers />}
      </main>
    </div>
  )
}

const views = { people: 'People', usage: 'Usage', keys: 'API keys', servers: 'Model servers' }
type View = keyof typeof views

function NotForYou({ email, onLeave }: { email: string; onLeave: () => void }) {
  return (
    <main className="welcome">
      <h1>This page is for admins</h1>
      <p>{email} can chat with the models of this cloud from the app. Whoever manages the cloud can make you an admin.</p>
      <button className="button" onClick={onLeave}>
        Sign out
      </button>
    </main>
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
