import { pattern } from './pattern.ts'
import type { Rule } from './rule.ts'

const date = '\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))'
const time = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)'
const byte = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const path = "(?:[A-Za-z0-9._~:@!$&'()*+,;=-]|%[0-9A-F]{2})"
const durationTime = 'T(?:\\d{1,9}H(?:\\d{1,9}M(?:\\d{1,9}S)?)?|\\d{1,9}M(?:\\d{1,9}S)?|\\d{1,9}S)'

/** How formats of JSON Schema are written. Some allow more; what is written here, all of them allow. */
const sources: Record<string, string> = {
  date,
  time,
  'date-time': `${date}T${time}`,
  duration: `P(?:\\d{1,9}W|(?:\\d{1,9}Y(?:\\d{1,9}M(?:\\d{1,9}D)?)?|\\d{1,9}M(?:\\d{1,9}D)?|\\d{1,9}D)(?:${durationTime})?|${durationTime})`,
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  ipv4: `${byte}(?:\\.${byte}){3}`,
  ipv6: '[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}',
  hostname: `${label}(?:\\.${label}){0,10}`,
  email: `[A-Za-z0-9_+-]+(?:\\.[A-Za-z0-9_+-]+)*@${label}(?:\\.${label})+`,
  uri: `(?:[a-z][a-z0-9+.-]{1,20}://${label}(?:\\.${label})*(?::\\d{1,4})?(?:/${path}*)*(?:\\?(?:${path}|[/?])*)?(?:#(?:${path}|[/?])*)?|(?:mailto|tel|urn):${path}+)`,
}

/** The content of strings of a format; undefined: an unknown one, which then only describes. */
export function format(name: string): Rule | undefined {
  return Object.hasOwn(sources, name) ? pattern(`^${sources[name]!}$`) : undefined
}
