import { X509Certificate } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { createSecureContext, connect, TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { selfSigned } from './certificate.ts';

test('a self-signed certificate is for this machine, valid now, and proves itself to those who trust it', async () => {
  const { certificate, key } = selfSigned();
  const parsed = new X509Certificate(certificate);
  expect(parsed.verify(parsed.publicKey)).toBe(true);
  expect([parsed.checkHost('localhost'), parsed.checkIP('127.0.0.1'), parsed.checkHost('elsewhere')]).toEqual(['localhost', '127.0.0.1', undefined]);
  expect(parsed.validFromDate.getTime()).toBeLessThan(Date.now());
  expect(parsed.validToDate.getTime()).toBeGreaterThan(Date.now());

  const server = createServer((socket) => {
    new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ cert: certificate, key }) }).end('hello');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', ca: certificate, servername: 'localhost' });
  const [hello] = (await once(client, 'data')) as [Buffer];
  expect([hello.toString(), client.authorized]).toEqual(['hello', true]);
  client.destroy();
  server.close();
});
