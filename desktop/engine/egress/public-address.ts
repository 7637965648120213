import { BlockList, isIPv4 } from 'node:net'

// The special-purpose registries of IANA (RFC 6890 and what came later): nothing in them is a place on the internet.
const special4 = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8], // this network; Linux takes 0.0.0.0 for itself
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // behind a provider's translation
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local, the metadata of clouds
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3], // multicast, reserved, broadcast
] as const)
  special4.addSubnet(network, prefix, 'ipv4')

/** All that was ever given out. What lies outside (loopback, link-local, unique local, IPv4 in IPv6 clothes, NAT64) is refused unlisted. */
const global6 = new BlockList()
global6.addSubnet('2000::', 3, 'ipv6')

const special6 = new BlockList()
for (const [network, prefix] of [
  ['2001::', 23], // protocol assignments, Teredo among them
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4: holds an IPv4 address of any kind
  ['3fff::', 20],
] as const)
  special6.addSubnet(network, prefix, 'ipv6')

/** True for an IP address that is a place on the public internet; false for every other address, and for what is no address. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special4.check(address, 'ipv4')
  // A zone (fe80::1%eth0) is only written for what is near.
  return !address.includes('%') && global6.check(address, 'ipv6') && !special6.check(address, 'ipv6')
}
