// npm run try:k8s: what clients see of the dev overlay in a real cluster, the one of kubectl's current context, while its pods are replaced, killed and
// drained, and while Redis and the recommender are away. Prints the table of docs/kubernetes.md, which says how to get there.
//   RATE=100            requests a second
//   NEXT_IMAGE=…        another image of the gateway that the nodes have, to roll out to; without one that is skipped
//   ONLY=a,b            parts of the names of what is tried
//   DEMO_IMAGE=…        localhost/tributary-demo:dev
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { USER_COUNT } from '../../../demo/seed/shoppers.ts';
import { kubectl, start } from './kubectl.ts';
import type { Seen } from './load.ts';

const { RATE: rate = '100', NEXT_IMAGE: nextImage, ONLY: only = '', DEMO_IMAGE: demoImage = 'localhost/tributary-demo:dev' } = process.env;
/** Before and after, so that what is asked meanwhile stands between times in which nothing happens. */
const calmMs = 3_000;
const awayMs = 10_000;

const here = (name: string) => readFile(new URL(name, import.meta.url), 'utf8');
const say = (line: string): void => { process.stdout.write(`${line}\n`); };
const ours = (...args: string[]): Promise<string> => kubectl('--namespace=tributary-dev', ...args);
const pods = ['--selector=app.kubernetes.io/name=tributary', '--field-selector=status.phase=Running'];
const oldest = ['--sort-by=.metadata.creationTimestamp'];
const first = (path: string): string => `--output=jsonpath={.items[0]${path}}`;

const rolledOut = (name = 'tributary') => ours('rollout', 'status', `deployment/${name}`, '--timeout=3m');

/** All pods as they should be, and the endings over: the longest grace is 30 s. */
async function whole(): Promise<void> {
  for (const name of ['postgres', 'redis', 'recommender', 'sentiment', 'collector', 'tributary']) await rolledOut(name);
  for (let left = 120; left > 0; left--) {
    if ((await ours('get', 'pods', '--output=jsonpath={.items[*].metadata.deletionTimestamp}')) === '') return;
    await sleep(500);
  }
  throw new Error('expected pods that end to be gone within a minute, but some are not');
}

async function away(name: string): Promise<void> {
  await ours('scale', `deployment/${name}`, '--replicas=0');
  await ours('wait', 'pods', `--selector=app.kubernetes.io/name=${name}`, '--for=delete', '--timeout=60s');
  await sleep(awayMs);
  await ours('scale', `deployment/${name}`, '--replicas=1');
  await rolledOut(name);
}

/** As the kernel does when memory is short: at once, without a word. */
async function killed(): Promise<void> {
  const id = (await ours('get', 'pods', ...pods, first('.status.containerStatuses[0].containerID'))).replace(/^.*\//, '');
  const find = `
    const { readdirSync, readFileSync } = require('node:fs');
    const read = (path) => { try { return readFileSync(path, 'utf8'); } catch { return ''; } };
    const found = readdirSync('/proc').filter((pid) => /^\\d+$/.test(pid) && read('/proc/' + pid + '/cgroup').includes('${id}') && read('/proc/' + pid + '/cmdline').startsWith('node'));
    if (found.length !== 1) throw new Error('expected one process of ${id}, but got ' + found.length);
    process.kill(Number(found[0]), 'SIGKILL');`;
  await kubectl('--namespace=tributary-try', 'exec', 'killer', '--', 'node', '-e', find);
  await sleep(awayMs);
  await rolledOut();
}

/** Where there is one node alone, it is opened again once the budget has held back a pod: else the new ones would have no place. */
async function drained(): Promise<void> {
  const node = await ours('get', 'pods', ...pods, first('.spec.nodeName'));
  try {
    const draining = start('drain', node, '--pod-selector=app.kubernetes.io/name=tributary', '--ignore-daemonsets', '--timeout=3m').end();
    await Promise.race([draining, sleep(awayMs)]);
    await kubectl('uncordon', node);
    const { stderr } = await draining;
    if (!stderr.includes('disruption budget')) process.stderr.write(`  the budget held back nobody: ${stderr}\n`);
    await rolledOut();
  } finally {
    await kubectl('uncordon', node);
  }
}

/** What the load below does not ask: a text, and the page of a product with what the model makes of its reviews. */
async function modelAsked(base: string): Promise<string> {
  const ask = `
    const reply = async (path, init) => { const got = await fetch('${base}' + path, init); if (!got.ok) throw new Error(path + ': ' + got.status); return got.json(); };
    const text = await reply('/analyze-sentiment', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":"So comfortable, I love it."}' });
    const [{ id }] = await reply('/api/v1/products?limit=1');
    const { errors, reviews: { latest, sentiment } } = await reply('/api/v1/products/' + id + '/page');
    if (errors || sentiment.length !== latest.length) throw new Error('expected a whole page, but got ' + JSON.stringify(errors ?? sentiment));
    console.log(text.sentiment + ', and ' + sentiment.length + ' reviews of a product: ' + sentiment.map(({ sentiment }) => sentiment).join(', '));`;
  return kubectl('--namespace=tributary-try', 'exec', 'load', '--', 'node', '--input-type=module', '-e', ask);
}

const trials: readonly (readonly [what: string, does: () => Promise<unknown>])[] = [
  ['nothing', () => sleep(awayMs)],
  ['`kubectl rollout restart`', async () => { await ours('rollout', 'restart', 'deployment/tributary'); await rolledOut(); }],
  ...(nextImage === undefined ? [] : [
    ['another image', async () => { await ours('set', 'image', 'deployment/tributary', `tributary=${nextImage}`); await rolledOut(); }],
    ['`kubectl rollout undo`', async () => { await ours('rollout', 'undo', 'deployment/tributary'); await rolledOut(); }],
  ] as const),
  ['a pod deleted', async () => { await ours('delete', 'pod', '--wait=true', await ours('get', 'pods', ...pods, ...oldest, first('.metadata.name'))); await rolledOut(); }],
  ['a pod killed (SIGKILL)', killed],
  ['the node drained', drained],
  ['Redis away', () => away('redis')],
  ['the recommender away', () => away('recommender')],
];

/** What clients saw, in the order of the table's columns. */
function row(what: string, seconds: number, { asked, outcomes, ms }: Seen): string {
  const { whole = 0, ...others } = outcomes;
  const those = (form: RegExp, dropped = ''): string => Object.entries(others).filter(([outcome]) => form.test(outcome))
    .map(([outcome, count]) => `${count} (${outcome.replace(dropped, '')})`).join(', ') || '0';
  return `| ${[what, seconds.toFixed(0), asked, whole, those(/^incomplete/, 'incomplete: '), those(/^\d/), those(/^lost/, 'lost, '), ms.p50, ms.p99, ms.max].join(' | ')} |`;
}

if (nextImage === undefined) say('another image is not rolled out to, since NEXT_IMAGE does not say which');
await whole();
const manifest = (await here('pods.yaml')).replaceAll('image: tributary-demo', `image: ${demoImage}`);
try {
  await start('apply', '--filename=-').end(manifest);
  await kubectl('--namespace=tributary-try', 'wait', 'pods', '--all', '--for=condition=Ready', '--timeout=2m');
  const address = await ours('get', 'service', 'tributary', '--output=jsonpath={.spec.clusterIP}');
  const base = `http://${address.includes(':') ? `[${address}]` : address}`;
  const url = `${base}/api/aggregated?user_id=`;
  say(`the model says ${await modelAsked(base)}\n`);
  const text = await here('load.ts');
  say('| meanwhile | s | asked | whole | incomplete | other statuses | lost | p50 ms | p99 ms | longest ms |\n|---|---|---|---|---|---|---|---|---|---|');
  for (const [what, does] of trials.filter(([what]) => only.split(',').some((part) => what.includes(part)))) {
    const load = start('--namespace=tributary-try', 'exec', '--stdin', 'load', '--', 'node', '--input-type=module-typescript', '-e', text, '--', url, rate, `${USER_COUNT}`);
    await sleep(calmMs);
    const beganAt = performance.now();
    await does();
    const seconds = (performance.now() - beganAt) / 1_000;
    await sleep(calmMs);
    const seen = JSON.parse((await load.end()).stdout) as Seen;
    say(row(what, seconds, seen));
    if (seen.first.length > 0) process.stderr.write(`  ${seen.first.join('\n  ')}\n`);
    await whole();
  }
} finally {
  await start('delete', '--filename=-', '--ignore-not-found').end(manifest);
}
