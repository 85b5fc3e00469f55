// Starts processes for a test run and ends them with it, however the run ends.
//
// Its standard input is a lifeline: it closes when whoever started the keeper ends it, crashes or is killed, and then
// the keeper ends every process that it started, removes every folder that it was told to hold, and goes. Plain
// JavaScript, so that every Node runs it as it is; in a session of its own, so that Ctrl-C reaches it only this way.
//
// One JSON object a line. In:
//   {op:'start', id, command, args, cwd, env, uid, gid, log, endBy} · {op:'hold', dir} · {op:'drop', id, dir}
// Out:
//   {id, event:'started', pid} · {id, event:'output', stream, text} · {id, event:'dropped'}
//   {id, event:'ended', code, signal, error}

import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** After a polite signal a process has this long before it is killed. */
const POLITE_MS = 3_000;

const children = new Map();
const folders = new Set();
let ending = false;

process.stdout.on('error', () => {});
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

function start({ id, command, args, cwd, env, uid, gid, log, endBy }) {
  const output = log ? openSync(log, 'a') : 'pipe';
  const child = spawn(command, args, { cwd, env, uid, gid, stdio: ['ignore', output, output] });
  if (log) closeSync(output);
  const ended = new Promise((resolve) => {
    let error;
    child.on('error', (reason) => {
      error = reason.message;
      if (child.pid === undefined) finish(null, null);
    });
    // 'close' comes when the output has been read to its end as well; a grandchild may hold that open for ever.
    child.on('exit', (code, signal) => {
      const late = setTimeout(finish, 500, code, signal);
      child.on('close', () => {
        clearTimeout(late);
        finish(code, signal);
      });
    });
    function finish(code, signal) {
      children.delete(id);
      say({ id, event: 'ended', code, signal, error });
      resolve();
    }
  });
  if (child.pid === undefined) return;
  children.set(id, { pid: child.pid, endBy: endBy ?? 'SIGKILL', ended });
  say({ id, event: 'started', pid: child.pid });
  for (const stream of ['stdout', 'stderr']) {
    child[stream]?.setEncoding('utf8').on('data', (text) => {
      say({ id, event: 'output', stream, text });
    });
  }
}

/** Parent of every process, as far as /proc tells. */
function parents() {
  const parentOf = new Map();
  for (const name of listOr('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      parentOf.set(Number(name), Number(parent));
    } catch {
      // It ended while we looked.
    }
  }
  return parentOf;
}

function listOr(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function familyOf(pid) {
  const family = [pid];
  const parentOf = parents();
  for (let i = 0; i < family.length; i++) {
    for (const [child, parent] of parentOf) if (parent === family[i]) family.push(child);
  }
  return family;
}

function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // Already gone.
    }
  }
}

async function endChild({ pid, endBy, ended }) {
  const family = familyOf(pid);
  signalAll([pid], endBy);
  // Whoever was paused must run to hear it.
  signalAll(family, 'SIGCONT');
  const late = setTimeout(
    () => signalAll(new Set([...family, ...familyOf(pid)]), 'SIGKILL'),
    POLITE_MS,
  );
  if (endBy === 'SIGKILL') signalAll(family, 'SIGKILL');
  await ended;
  clearTimeout(late);
}

const remove = (dir) =>
  rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });

async function endAll() {
  if (ending) return;
  ending = true;
  await Promise.all([...children.values()].map(endChild));
  for (const dir of folders) remove(dir);
  process.exit(0);
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, endAll);
const orders = createInterface({ input: process.stdin });
orders.on('close', endAll);
orders.on('line', (line) => {
  if (ending) return;
  const order = JSON.parse(line);
  if (order.op === 'start') start(order);
  if (order.op === 'hold') folders.add(order.dir);
  if (order.op === 'drop') {
    remove(order.dir);
    folders.delete(order.dir);
    say({ id: order.id, event: 'dropped' });
  }
});
