import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onPath } from '../../demo/process/on-path.ts';
import { bounded } from './until.ts';

/** A browser starts within a second where nothing else runs, and shows what changed in less; four that compute beside it make it ten. */
const startMs = 60_000;

/** Where chromium is, or why nothing is tried in a browser. */
export function chromium(): { readonly command: string } | { readonly missing: string } {
  const command = onPath('chromium') ?? onPath('chromium-browser');
  return command === undefined ? { missing: 'no chromium on the PATH' } : { command };
}

/** What a page is told beside a key's name: without it the browser itself does nothing about it, as with Tab. */
const keyCodes: Readonly<Record<string, number>> = { Tab: 9, Enter: 13, ArrowUp: 38, ArrowDown: 40 };

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly scheme: 'light' | 'dark';
}

/** A chromium with one page, driven by its own protocol (Chrome DevTools Protocol). */
export class Browser implements AsyncDisposable {
  /** What the page complained of: errors, refused scripts, resources that failed. */
  readonly complaints: string[] = [];
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #session: string | undefined;
  #count = 0;

  private constructor(process: ChildProcess, profile: string, socket: WebSocket) {
    this.#process = process;
    this.#profile = profile;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => { this.#told(JSON.parse(String(data)) as Message); });
  }

  static async start(command: string): Promise<Browser> {
    const profile = await mkdtemp(join(tmpdir(), 'tributary-browser-'));
    // Without its sandbox, which no container lets it have: it opens nothing but our own page.
    const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--remote-debugging-port=0', `--user-data-dir=${profile}`];
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const url = await bounded(listening(child), () => 'expected chromium to start', startMs);
    const socket = new WebSocket(url);
    await once(socket, 'open');
    const browser = new Browser(child, profile, socket);
    const { targetId } = (await browser.#ask('Target.createTarget', { url: 'about:blank' })) as { targetId: string };
    const { sessionId } = (await browser.#ask('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string };
    browser.#session = sessionId;
    for (const domain of ['Page', 'Runtime', 'Log']) await browser.#ask(`${domain}.enable`);
    return browser;
  }

  async open(url: string, { width, height, scheme }: Screen): Promise<void> {
    await this.#ask('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await this.#ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    // Somewhere else first: a changed fragment alone would load nothing.
    await this.#ask('Page.navigate', { url: 'about:blank' });
    await this.#ask('Page.navigate', { url });
  }

  /** What the expression is in the page, once it is not null, false or undefined. */
  async sees(expression: string): Promise<unknown> {
    const looking = `new Promise((resolve) => { const look = () => { let seen; try { seen = ${expression}; } catch {} if (seen) resolve(seen); else requestAnimationFrame(look); }; look(); })`;
    const asked = this.#ask('Runtime.evaluate', { expression: looking, awaitPromise: true, returnByValue: true });
    const { result } = (await bounded(asked, () => `expected to see ${expression}; the page said: ${this.complaints.join(', ')}`, startMs)) as { result: { value: unknown } };
    return result.value;
  }

  /** Clicks it once it is there. */
  async click(selector: string): Promise<void> {
    await this.sees(`((found) => { found?.click(); return found !== null; })(document.querySelector(${JSON.stringify(selector)}))`);
  }

  async press(key: string): Promise<void> {
    for (const type of ['keyDown', 'keyUp']) await this.#ask('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode: keyCodes[key] });
  }

  async screenshot(): Promise<Buffer> {
    const { data } = (await this.#ask('Page.captureScreenshot', { format: 'png' })) as { data: string };
    return Buffer.from(data, 'base64');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#process, 'close');
    this.#socket.close();
    this.#process.kill('SIGKILL');
    await gone;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#count;
    const asked = Promise.withResolvers<unknown>();
    this.#asked.set(id, asked);
    this.#socket.send(JSON.stringify({ id, method, params, ...(this.#session === undefined ? {} : { sessionId: this.#session }) }));
    return asked.promise;
  }

  #told({ id, method, params, result, error }: Message): void {
    if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded') this.complaints.push(JSON.stringify(params));
    const asked = id === undefined ? undefined : this.#asked.get(id);
    if (!asked || id === undefined) return;
    this.#asked.delete(id);
    if (error) asked.reject(new Error(error.message));
    else asked.resolve(result);
  }
}

async function listening(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stderr! })) {
    const url = /^DevTools listening on (ws:.*)$/.exec(line)?.[1];
    if (url === undefined) continue;
    // Whatever else it says has to be read, or it would wait for a reader.
    child.stderr!.resume();
    return url;
  }
  throw new Error('expected chromium to listen, but it ended');
}
