import { expect, test } from 'vitest'
import { isPublicAddress } from './public-address.ts'

test.for([
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '172.15.0.1',
  '172.32.0.1',
  '192.167.0.1',
  '223.255.255.255',
  '2606:4700::1111',
  '2a00:1450::1',
])('%s is on the internet', address => expect(isPublicAddress(address)).toBe(true))

test.for([
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.0.2.1',
  '192.168.1.1',
  '198.19.0.1',
  '203.0.113.7',
  '224.0.0.251',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:8.8.8.8',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '3fff::1',
  '4000::1',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'fe80::1%eth0',
  '2606:4700::1111%eth0',
  'ff02::1',
])('%s is not', address => expect(isPublicAddress(address)).toBe(false))

test.for(['', 'localhost', 'example.com', '0x7f000001', '2130706433', '127.1', '[::1]', '1.1.1.1.1'])('%j is no address', address =>
  expect(isPublicAddress(address)).toBe(false),
)
