import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { vi } from 'vitest';
import { Admission, type AdmissionOptions } from '../../../src/http/admission/admission.ts';
import { edgeInMemory } from '../in-memory.ts';

/** As much of Node's reply as an admission looks at. */
class Reply extends EventEmitter {
  shouldKeepAlive = true;
  sent: { status: number; headers: readonly string[]; body: string } | undefined;

  writeHead(status: number, headers: readonly string[]): this {
    this.sent = { status, headers, body: '' };
    return this;
  }

  end(body: string): void {
    this.sent!.body = body;
  }
}

/** An admission whose loop is as late as the test wants: time is faked, and so is the clock that timers are compared with. */
export function onStage(options: Partial<AdmissionOptions> = {}) {
  const { edge, lines } = edgeInMemory({ trustedCallers: ['10.0.0.0/8'] });
  const admission = new Admission(edge, { adaptive: true, inFlightMax: 10_000, ...options }, () => 0);
  edge.load = admission;
  let now = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  admission.start();
  return {
    edge, lines, admission,
    /** A request: undefined if it was let in, else what was sent. `leave` is its end. */
    ask(headers: Record<string, string> = {}, address = '10.0.0.1') {
      const reply = new Reply();
      const request = { headers, socket: { remoteAddress: address } } as unknown as IncomingMessage;
      const shed = admission.sheds(request, reply as unknown as ServerResponse);
      return { shed, reply, leave: () => { reply.emit('close'); } };
    },
    /** So many looks at a loop that is so late each time. */
    late(ms: number, looks = 30): void {
      for (let look = 0; look < looks; look++) {
        now += 20 + ms;
        vi.advanceTimersByTime(20);
      }
    },
    [Symbol.dispose](): void {
      admission.stop();
      clock.mockRestore();
    },
  };
}
