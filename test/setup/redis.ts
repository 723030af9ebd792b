import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redisServerPath } from '../support/redis.ts';

// Each project of a run loads this module anew and calls it; what they share has to hang somewhere outside of it.
const key = Symbol.for('tributary.test.redis');
const shelf = globalThis as { [key]?: Promise<void> | undefined };

/** A `globalSetup`: makes sure that there is a redis-server. Tests start their own, so that they may kill it. */
export default function setup(): Promise<void> {
  return (shelf[key] ??= ensureRedis());
}

const wanted = 'expected a redis-server on the PATH, but got none: apt-get install redis-server (Debian), brew install redis (macOS) or dnf install redis (Fedora)';

// Whoever reads it has to install something; where it was thrown is of no use to them.
const missing = (): Error => Object.assign(new Error(wanted), { stack: wanted });

async function ensureRedis(): Promise<void> {
  if (redisServerPath() !== undefined) return;
  if (process.getuid?.() !== 0 || !runs('apt-get', '--version')) throw missing();
  const folder = mkdtempSync(join(tmpdir(), 'tributary-apt-'));
  try {
    // The package would start a server of its own, for good and on the usual port; it asks these to. apt's own path for
    // packages' scripts is set, and nothing of the machine, so nothing is left behind.
    for (const name of ['invoke-rc.d', 'deb-systemd-invoke', 'systemctl']) writeFileSync(join(folder, name), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const path = `DPkg::Path=${folder}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
    const install = () => runs('apt-get', '-o', path, 'install', '-y', '--no-install-recommends', 'redis-server');
    // Without lists, or with old ones, the first attempt fails.
    const installed = install() || (runs('apt-get', 'update') && install());
    if (!installed || redisServerPath() === undefined) throw missing();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether a command succeeded, within a few minutes. */
const runs = (command: string, ...words: readonly string[]): boolean =>
  spawnSync(command, words, { stdio: 'ignore', timeout: 300_000, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0;
