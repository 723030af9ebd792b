/** Loaded into a service: its event loop is never late for it, as on a machine that nobody else uses. What else it may take for an overload is left. */
import { LoopDelay } from '../../src/http/admission/loop-delay.ts';

const everyMs = 20;

LoopDelay.prototype.start = function start(): void {
  let at = performance.now();
  setInterval(() => { this.look(at += everyMs); }, everyMs).unref();
};
