import ipaddr from 'ipaddr.js';

/** What an address is to a server that fetches for strangers. */
export type AddressKind = 'public' | 'loopback' | 'closed';

/** 2000::/3, the only part of IPv6 that is handed out for the open internet (RFC 4291 §2.4, IANA). */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');

/**
 * Sorts an IP address. Everything that is not plainly on the open internet is `closed`: private, link-local (cloud
 * metadata), carrier NAT, multicast, reserved, and every way to write an IPv4 address inside an IPv6 one.
 */
export function addressKind(text: string): AddressKind {
  if (!ipaddr.isValid(text)) return 'closed';
  const address = ipaddr.parse(text);
  const range = address.range();
  if (range === 'loopback') return 'loopback';
  if (range !== 'unicast') return 'closed';
  if (address instanceof ipaddr.IPv6 && !address.match(GLOBAL_UNICAST, 3)) return 'closed';
  return 'public';
}
