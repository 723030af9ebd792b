import { raw } from './raw-http.ts';

/**
 * Callers who ask one question in the same moment: the texts of their replies, heads included. A hundred requests go
 * one upon the other on each connection, since a thousand connections would measure the machine.
 */
export async function herd(url: string, path: string, callers = 1_000): Promise<readonly string[]> {
  const question = (more = '') => `GET ${path} HTTP/1.1\r\nHost: test\r\n${more}\r\n`;
  const hundred = question().repeat(99) + question('Connection: close\r\n');
  const connections = Array.from({ length: callers / 100 }, () => raw(url, hundred, 20_000));
  return (await Promise.all(connections)).flatMap((replies) => String(replies).split(/(?=HTTP\/1\.1 )/));
}
