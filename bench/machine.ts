import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';

/** Clock ticks a second: the unit of /proc's CPU times. */
const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** CPU seconds, user and system together. */
  readonly own: number;
  /** CPU seconds of children that have ended and were waited for. */
  readonly reaped: number;
}

function timesOf(pid: number): ProcessTimes | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name stands in brackets and may hold spaces, so count fields from its end.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
    const at = (index: number) => fields[index] ?? 0;
    return { pid, parent: at(1), own: (at(11) + at(12)) / ticks, reaped: (at(13) + at(14)) / ticks };
  } catch {
    return undefined; // It ended while we looked.
  }
}

/** The process and all its living descendants. */
function tree(pid: number): ProcessTimes[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => timesOf(Number(name)))
    .filter((times) => times !== undefined);
  const members = all.filter((times) => times.pid === pid);
  for (const member of members) members.push(...all.filter((times) => times.parent === member.pid));
  return members;
}

export const pidsOf = (pid: number): number[] => tree(pid).map((times) => times.pid);

/** CPU seconds used so far by a process and its descendants, ended children included. */
export const cpuSeconds = (pid: number): number => tree(pid).reduce((sum, times) => sum + times.own + times.reaped, 0);

/** CPU seconds of this process, and of its children that have ended: the load generator. */
export function ourSeconds(): { own: number; load: number } {
  const times = timesOf(process.pid);
  return { own: times?.own ?? 0, load: times?.reaped ?? 0 };
}

/** Sum of the peak resident memory (VmHWM) of a process and its descendants; shared pages count once in each. */
export const peakMiB = (pid: number): number => memoryMiB(pid, /VmHWM:\s+(\d+)/);

/** The same of the resident memory now (VmRSS). */
export const residentMiB = (pid: number): number => memoryMiB(pid, /VmRSS:\s+(\d+)/);

function memoryMiB(pid: number, line: RegExp): number {
  let kib = 0;
  for (const member of pidsOf(pid)) {
    try {
      kib += Number(line.exec(readFileSync(`/proc/${member}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It ended while we looked.
    }
  }
  return kib / 1024;
}

export interface Busy {
  /** Busy seconds so far, a number a core. */
  readonly cores: readonly number[];
  /** Seconds that the hypervisor gave to others. */
  readonly steal: number;
  readonly total: number;
}

export function busySeconds(): Busy {
  const cores: number[] = [];
  let steal = 0;
  for (const line of readFileSync('/proc/stat', 'utf8').split('\n')) {
    if (!/^cpu\d/.test(line)) continue;
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = line.split(' ').slice(1).map(Number);
    cores.push((user + nice + system + irq + softirq) / ticks);
    steal += stolen / ticks;
  }
  return { cores, steal, total: cores.reduce((sum, core) => sum + core, 0) };
}

/** Where things run. `undefined` leaves it to the kernel. */
export interface Cores {
  readonly server: number | undefined;
  /** Postgres, the stub, the load and this script. */
  readonly rest: number | undefined;
}

export const chooseCores = (pin: boolean): Cores =>
  pin && cpus().length > 1 ? { server: 0, rest: 1 } : { server: undefined, rest: undefined };

let pinnedAny = false;

/** Puts a running process, its threads and its descendants on one core, or on all of them again. */
export function pinTree(pid: number, core: number | undefined): void {
  if (core === undefined && !pinnedAny) return;
  pinnedAny = true;
  for (const member of pidsOf(pid)) {
    try {
      execFileSync('taskset', ['-acp', core === undefined ? `0-${cpus().length - 1}` : String(core), String(member)], { stdio: 'ignore' });
    } catch (error) {
      if (timesOf(member)) throw error; // Otherwise it ended meanwhile.
    }
  }
}

export const pinned = (core: number | undefined, command: readonly string[]): string[] =>
  core === undefined ? [...command] : ['taskset', '-c', String(core), ...command];

/** Connections to a listening port of 127.0.0.1 that its process has not accepted yet. */
export function waitingToBeAccepted(port: number): number {
  const listening = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  const line = readFileSync('/proc/net/tcp', 'utf8').split('\n').find((text) => text.includes(listening));
  // The receive queue of a socket that listens is its backlog.
  return Number.parseInt(/0A [0-9A-F]+:([0-9A-F]+)/.exec(line ?? '')?.[1] ?? '0', 16);
}

export const describeMachine = (): string => {
  const all = cpus();
  return `${all[0]?.model.trim() ?? 'unknown CPU'}, ${all.length} cores, kernel ${release()}`;
};
