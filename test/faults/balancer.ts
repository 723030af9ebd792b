import { Agent, createServer, request as forward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from '../support/http-client.ts';
import { Changes } from '../support/until.ts';
import type { Service } from '../system/service.ts';

/** How often it asks whether a target is ready; a Kubernetes does it every ten seconds. */
const everyMs = 50;

interface Target {
  readonly service: Service;
  readonly agent: Agent;
  ready: boolean;
  timer: NodeJS.Timeout | undefined;
}

/**
 * A balancer as small as it can be: sends each request to the next target that said it was ready, on kept-alive connections of
 * which none is used again that said it closes. It sends nothing twice, so whatever is lost is seen.
 */
export class Balancer implements AsyncDisposable {
  readonly #targets: Target[] = [];
  readonly #agents: Agent[] = [];
  readonly #changes = new Changes();
  readonly #server: Server;
  #turn = 0;

  constructor() {
    this.#server = createServer((incoming, outgoing) => {
      const ready = this.#targets.filter(({ ready }) => ready);
      const target = ready[this.#turn++ % ready.length];
      if (!target) return void outgoing.writeHead(502).end('nobody is ready');
      forward(`${target.service.url}${incoming.url}`, { agent: target.agent }, (reply) => {
        const { connection: _, ...headers } = reply.headers;
        outgoing.writeHead(reply.statusCode ?? 0, headers);
        reply.pipe(outgoing);
      }).on('error', () => { outgoing.writeHead(502).end('lost'); }).end();
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => { this.#server.listen(0, '127.0.0.1', resolve); });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on it asks the service whether it is ready, and sends to it when it is. */
  async add(service: Service): Promise<void> {
    const target: Target = { service, agent: new Agent({ keepAlive: true }), ready: false, timer: undefined };
    this.#targets.push(target);
    this.#agents.push(target.agent);
    void this.#look(target);
    await this.#until(service, true);
  }

  /** Resolves when nothing more is sent there; what is under way goes on. */
  async without(service: Service): Promise<void> {
    await this.#until(service, false);
    this.#forget(this.#of(service));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let target = this.#targets[0]; target; target = this.#targets[0]) this.#forget(target);
    for (const agent of this.#agents) agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => { this.#server.close(resolve); });
  }

  #of(service: Service): Target {
    return this.#targets.find((target) => target.service === service)!;
  }

  #until(service: Service, ready: boolean): Promise<void> {
    const target = this.#of(service);
    return this.#changes.until(() => target.ready === ready, () => `expected a target that is ${ready ? '' : 'not '}ready`, 20_000);
  }

  async #look(target: Target): Promise<void> {
    // Who does not answer is not ready either.
    target.ready = await request(`${target.service.adminUrl}/readyz`, { timeoutMs: 20_000 }).then(({ status }) => status === 200, () => false);
    this.#changes.announce();
    if (this.#targets.includes(target)) target.timer = setTimeout(() => { void this.#look(target); }, everyMs);
  }

  #forget(target: Target): void {
    clearTimeout(target.timer);
    this.#targets.splice(this.#targets.indexOf(target), 1);
  }
}
