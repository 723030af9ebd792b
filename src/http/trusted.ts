import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';

/** Whether a request comes from where callers may say how long they wait, and how urgent it is. */
export type Trusts = (request: IncomingMessage) => boolean;

const nobody: Trusts = () => false;

/** By the other end of the socket, which nobody can make up. `networks` as in TRUSTED_CALLERS: addresses, alone or with a prefix. */
export function trusting(networks: readonly string[]): Trusts {
  if (networks.length === 0) return nobody;
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return ({ socket: { remoteAddress } }) => remoteAddress !== undefined && list.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4');
}
