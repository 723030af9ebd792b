import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { bodyTooLong, hasBody, readBody } from './body.ts';
import { onClientError } from './client-errors.ts';
import { faultOf, methodFault, unknownExpectation } from './hardening.ts';
import { refuse, refuseSocket } from './refusal.ts';

type Taking = (request: IncomingMessage, response: ServerResponse) => void;

/** Everything that can come to a server: `take` gets the requests that are good, with their whole body; all else is refused. */
export function receive(server: Server, take: Taking, log: Logger | undefined): void {
  const passes = (request: IncomingMessage, response: ServerResponse): boolean => {
    const fault = faultOf(request);
    if (fault) refuse(request, response, fault.failure, { log, ...fault });
    return fault === undefined;
  };
  const takeWhole: Taking = (request, response) => {
    if (!hasBody(request)) take(request, response);
    else readBody(request, () => { take(request, response); }, () => { refuse(request, response, bodyTooLong, { log }); });
  };
  server
    .on('request', (request, response) => { if (passes(request, response)) takeWhole(request, response); })
    .on('checkContinue', (request, response) => {
      // What is refused is not even sent.
      if (!passes(request, response)) return;
      response.writeContinue();
      takeWhole(request, response);
    })
    .on('checkExpectation', (request, response) => { refuse(request, response, unknownExpectation, { log }); })
    .on('connect', (_, socket) => { refuseSocket(socket, methodFault.failure, { log, ...methodFault }); })
    .on('clientError', onClientError(log));
}
