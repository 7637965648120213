/** A thin bar with a name; without a fraction it says that work goes on, not how far. */
export function Progress({ label, fraction }: { label: string; fraction: number | null }) {
  return <progress aria-label={label} max={1} {...(fraction === null ? {} : { value: fraction })} />
}
