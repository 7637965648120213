import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import '@fusion/shared/look/tokens.css'
import '@fusion/shared/look/base.css'
import '@fusion/shared/look/controls.css'
import './dashboard.css'
import { App } from './app.tsx'
import { Refused, SignedOut } from './client.ts'
import { finishSignIn } from './session.ts'

const dark = matchMedia('(prefers-color-scheme: dark)')
const followTheme = () => (document.documentElement.dataset['theme'] = dark.matches ? 'dark' : 'light')
dark.addEventListener('change', followTheme)
followTheme()

const queries = new QueryClient({
  defaultOptions: {
    // What was refused stays refused; a cloud that did not answer is asked again.
    queries: { retry: (count, error) => !(error instanceof SignedOut || error instanceof Refused) && count < 3 },
  },
})

await finishSignIn().catch(() => {})
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
)
