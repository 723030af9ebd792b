/** `u` of a Priority header (RFC 9218, §4.1) among its other members: 0 is the most urgent, 7 the least. */
const urgency = /(?:^|,)\s*u=([0-7])\s*(?:[;,]|$)/;

/** Work that nobody waits for: `u=7` is background by the RFC, and 6 the next above it. Anything else is somebody's. */
export function isBackground(priority: string | string[] | undefined): boolean {
  if (typeof priority !== 'string') return false;
  const [, u] = urgency.exec(priority) ?? [];
  return u === '6' || u === '7';
}
