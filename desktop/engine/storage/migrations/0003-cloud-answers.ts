/**
 * An answer of the cloud is resumed after the event that its text came with: kept in the row of that text, so that the two never differ.
 * Which generation it is stands in `msg.gen`.
 */
export const sql = `
alter table growth add column event integer;
`
