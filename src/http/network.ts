import ipaddr from 'ipaddr.js';

/**
 * The network of an address in one spelling, for limits: an IPv4 address itself, of IPv6 the /64 that one subscriber has.
 * Null for what is no address.
 */
export function networkOf(address: string | undefined): string | null {
  if (address === undefined || !ipaddr.isValid(address)) return null;
  // An IPv4 address that came as IPv6 is the same one.
  const read = ipaddr.process(address);
  return read instanceof ipaddr.IPv6 ? `${read.parts.slice(0, 4).map((part) => part.toString(16)).join(':')}::/64` : read.toString();
}
