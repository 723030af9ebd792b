import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { bodyTooLong, hasBody, readBody } from './body.ts';
import { onClientError } from './client-errors.ts';
import { faultOf, methodFault, unknownExpectation } from './hardening.ts';
import { refuse, refuseSocket } from './refusal.ts';

type Taking = (request: IncomingMessage, response: ServerResponse) => void;

/** Everything that can come to a server: `take` gets the requests that are good, with their whole body; all else is refused. */
export function receive(server: Server, take: Taking, log: Logger | undefined): void {
  // Node goes on to read what came together with a request whose reply will close the connection.
  const closing = new WeakSet<Socket>();
  const passes = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (closing.has(request.socket)) return false;
    const fault = faultOf(request);
    if (fault) refuse(request, response, fault.failure, { log, ...fault });
    // Nobody changes protocols here. Of what came together with such a request node drops an unknown part.
    const upgrades = request.headers.upgrade !== undefined;
    if (upgrades) response.shouldKeepAlive = false;
    if (fault || upgrades) closing.add(request.socket);
    return fault === undefined;
  };
  const takeWhole: Taking = (request, response) => {
    if (!hasBody(request)) take(request, response);
    else readBody(request, () => { take(request, response); }, () => {
      closing.add(request.socket);
      refuse(request, response, bodyTooLong, { log });
    });
  };
  server
    .on('request', (request, response) => { if (passes(request, response)) takeWhole(request, response); })
    .on('checkContinue', (request, response) => {
      // What is refused is not even sent.
      if (!passes(request, response)) return;
      response.writeContinue();
      takeWhole(request, response);
    })
    .on('checkExpectation', (request, response) => {
      if (closing.has(request.socket)) return;
      closing.add(request.socket);
      refuse(request, response, unknownExpectation, { log });
    })
    .on('connect', (_, socket) => { refuseSocket(socket, methodFault.failure, { log, ...methodFault }); })
    .on('clientError', onClientError(log));
}
