import type { Role } from '@fusion/shared/contract/cloud/account.ts'

/** What they are called here. */
export const roles: Record<Role, string> = { member: 'Member', auditor: 'Auditor', admin: 'Admin' }
