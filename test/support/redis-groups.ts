import { freePort } from '../../demo/process/free-port.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { eventually } from './redis-wire.ts';

/** Several Redises that are one for their clients. `await using` stops them all. */
export interface RedisGroup extends AsyncDisposable {
  readonly url: string;
  /** Those that hold data; the first is a master. */
  readonly servers: readonly RedisServer[];
}

const slots = 16_384;
const mastersOfCluster = 3;
// On two busy cores a group takes a while to agree; it costs nothing when it does not.
const agreementMs = 20_000;

/** A Redis Cluster of three masters without replicas: all keys are answered for, or none are. */
export async function startCluster(): Promise<RedisGroup> {
  const servers: RedisServer[] = [];
  const group = groupOf(servers, () => `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`);
  try {
    const buses: number[] = [];
    for (let at = 0; at < mastersOfCluster; at++) {
      servers.push(await startRedis(async () => {
        buses[at] = await freePort(undefined, new Set(buses));
        return { 'cluster-enabled': 'yes', 'cluster-port': String(buses[at]), 'cluster-node-timeout': '1000' };
      }));
    }
    const [first] = servers;
    const share = Math.ceil(slots / mastersOfCluster);
    for (const [at, server] of servers.entries()) {
      await server.send('CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1));
      await server.send('CLUSTER', 'ADDSLOTSRANGE', String(at * share), String(Math.min((at + 1) * share, slots) - 1));
      if (server !== first) await server.send('CLUSTER', 'MEET', '127.0.0.1', String(first?.port), String(buses[0]));
    }
    await Promise.all(servers.map((server) => clusterAgrees(server)));
    return group;
  } catch (error) {
    await group[Symbol.asyncDispose]();
    throw error;
  }
}

async function clusterAgrees(server: RedisServer): Promise<void> {
  let info = '';
  await eventually(async () => {
    info = String(await server.send('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes(`cluster_size:${mastersOfCluster}`);
  }, () => `expected the cluster to agree, but got ${info}`, agreementMs);
}

const masterName = 'tributary-test';

/** A master, a replica, and a sentinel that replaces the one by the other. */
export async function startSentinel(): Promise<RedisGroup & { readonly sentinel: RedisServer }> {
  const servers: RedisServer[] = [];
  const all: RedisServer[] = [];
  const group = groupOf(all, () => `redis+sentinel://127.0.0.1:${all[2]?.port}/${masterName}`);
  try {
    const master = await startRedis({ 'repl-diskless-sync-delay': '0' });
    all.push(master);
    const replica = await startRedis({ 'repl-diskless-sync-delay': '0', replicaof: `127.0.0.1 ${master.port}` });
    all.push(replica);
    servers.push(master, replica);
    await eventually(async () => String(await replica.send('INFO', 'replication')).includes('master_link_status:up'), () => 'expected the replica to follow', agreementMs);
    const sentinel = await startRedis({
      [`sentinel monitor ${masterName}`]: `127.0.0.1 ${master.port} 1`,
      [`sentinel down-after-milliseconds ${masterName}`]: '300',
      [`sentinel failover-timeout ${masterName}`]: '2000',
    });
    all.push(sentinel);
    const known = async () => JSON.stringify(await sentinel.send('SENTINEL', 'REPLICAS', masterName));
    await eventually(async () => /"master-link-status","ok"/.test(await known()), () => 'expected the sentinel to find the replica', agreementMs);
    return { get url() { return group.url; }, servers, sentinel, [Symbol.asyncDispose]: () => group[Symbol.asyncDispose]() };
  } catch (error) {
    await group[Symbol.asyncDispose]();
    throw error;
  }
}

/** Tells a sentinel to replace the master now, and resolves once it has told the clients so. */
export async function failOver(sentinel: RedisServer, from: RedisServer): Promise<void> {
  await sentinel.send('SENTINEL', 'FAILOVER', masterName);
  await replaced(sentinel, from);
}

/** Resolves once the sentinel names another master. */
export async function replaced(sentinel: RedisServer, from: RedisServer): Promise<void> {
  const master = async () => String(await sentinel.send('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName));
  await eventually(async () => !(await master()).endsWith(`,${from.port}`), () => 'expected another master', agreementMs);
}

function groupOf(servers: readonly RedisServer[], url: () => string): RedisGroup {
  return {
    get url() { return url(); },
    servers,
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}
