interface Figure {
  name: string
  value: string
  /** Empty: there is no more to say. */
  more: string
}

/** A few numbers, large, each with its name and what there is to say of it. */
export function Figures({ figures }: { figures: readonly Figure[] }) {
  return (
    <dl className="figures">
      {figures.map(({ name, value, more }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          <dd className="more">{more}</dd>
        </div>
      ))}
    </dl>
  )
}
