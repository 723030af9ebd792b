import type { Redis } from 'ioredis';
import type { LeaseWanted } from '../cache/tier.ts';
import { createCluster, createNodeEar } from './redis-connect.ts';
import type { Keys } from './redis-keys.ts';
import { type Answer, answers, leaseValues, type Link, type LinkOptions } from './redis-link.ts';
import { hangUp } from './redis-options.ts';
import { invalidateScript, loadScripts, readScript, type Script } from './redis-scripts.ts';
import type { ClusterRedis } from './redis-url.ts';

/** A cluster is one thing here: while one of its masters does not answer, it does not. Whoever owns a key should not matter. */
export class ClusterLink implements Link {
  readonly #place: ClusterRedis;
  readonly #keys: Keys;
  readonly #cluster: ReturnType<typeof createCluster>;
  #ears = 0;

  constructor(place: ClusterRedis, { keys, answerMs, onDown, onUp }: LinkOptions) {
    this.#place = place;
    this.#keys = keys;
    this.#cluster = createCluster(place, answerMs)
      .on('error', onDown)
      .on('close', () => { onDown(new Error('no node of the cluster could be reached')); })
      .on('-node', () => { onDown(new Error('the connection to a node was closed')); })
      .on('ready', onUp);
    this.#cluster.connect().catch(() => undefined);
  }

  /** Tags are in other slots than the entry, so they are asked apart, and at the same time. */
  async read(key: string, tags: readonly string[], lease: LeaseWanted | undefined): Promise<Answer> {
    const [[text, leftMs, took], ...versions] = await Promise.all([
      this.run(readScript, [this.#keys.entry(key), this.#keys.lease(key)], leaseValues(lease)) as Promise<Answer>,
      ...tags.map((tag) => this.#cluster.get(this.#keys.tag(tag))),
    ]);
    return [text, leftMs, took, ...versions];
  }

  run(script: Script, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    return script.run(this.#cluster, keys, values);
  }

  drop(entry: string): Promise<unknown> {
    return this.#cluster.del(entry);
  }

  /** The nodes tell each other what is published on one of them. */
  invalidate(tags: readonly string[], token: string): Promise<unknown> {
    return Promise.all(tags.map((tag) => this.run(invalidateScript, [this.#keys.tag(tag)], [token, this.#keys.tagMs, this.#keys.channel, tag])));
  }

  async probe(): Promise<void> {
    if (this.#cluster.status !== 'ready') throw new Error('no node of the cluster could be reached');
    const masters = this.#cluster.nodes('master');
    const reached = new Set(masters.map(({ options }) => `${options.host}:${options.port}`));
    const unreached = this.#cluster.slots.find(([owner]) => owner === undefined || !reached.has(owner));
    if (unreached) {
      // Its owner may have been replaced, or be back: the others know.
      this.#cluster.refreshSlotsCache();
      throw new Error('the owner of a slot could not be reached');
    }
    await Promise.all(masters.map((master) => answers(master, this.#keys)));
  }

  async prepare(): Promise<void> {
    await Promise.all(this.#cluster.nodes('master').map((master) => loadScripts(master)));
  }

  /** Another node each time: the last one may be the one that is gone. */
  ear(): Redis {
    const known = this.#cluster.nodes('master').map(({ options: { host, port } }) => ({ host, port }));
    const nodes = known.length > 0 ? known : this.#place.nodes;
    this.#ears += 1;
    const { host = '', port = 0 } = nodes[this.#ears % nodes.length] ?? {};
    return createNodeEar(this.#place, { host, port });
  }

  close(): Promise<void> {
    return hangUp(this.#cluster);
  }
}
