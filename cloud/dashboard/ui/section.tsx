import type { ReactNode } from 'react'

/** A part of a page: its title, what can be done with all of it, and what went wrong in it. */
export function Section({
  title,
  about,
  action,
  failure,
  children,
}: {
  title: string
  about?: string
  action?: ReactNode
  failure?: Error | null
  children: ReactNode
}) {
  return (
    <section>
      <div className="title">
        <h2>{title}</h2>
        {action}
      </div>
      {about && <p className="about">{about}</p>}
      {failure && (
        <p className="failed" role="alert">
          {failure.message}
        </p>
      )}
      {children}
    </section>
  )
}
