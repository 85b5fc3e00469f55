// What may happen to the system, as steps of a schedule.

import fc from 'fast-check';
import { type Color, GREEN, RED, type Subject, YELLOW } from '../../lookup/health-code.ts';
import type { LinkState } from './network.ts';
import type { Disk, Transaction } from './postgres.ts';
import { AREAS, type SimWorld, SUBJECTS } from './world.ts';

/** Prints its name when a schedule fails. */
export interface Step {
  readonly name: string;
  readonly run: (world: SimWorld) => unknown;
}

const step = (name: string, run: Step['run']): Step =>
  ({
    name,
    run,
    [fc.toStringMethod]: () => name,
  }) as Step;

const nat = fc.nat(5);
const subjects = fc.constantFrom(...SUBJECTS);
const colors = fc.constantFrom<Color>(GREEN, YELLOW, RED);
const shards = fc.nat(2);
const pick = <T>(all: readonly T[], n: number): T | undefined => all[n % all.length];

const plain = (name: string, run: Step['run']) => fc.constant(null).map(() => step(name, run));
const numbered = (name: string, run: (world: SimWorld, n: number) => unknown) =>
  nat.map((n) => step(`${name} ${n}`, (world) => run(world, n)));

/** In a transaction of its own, or one that is left open. */
const writing = (name: string, work: (world: SimWorld, t: Transaction) => unknown) =>
  fc.constantFrom(
    step(`write ${name}`, (w) => w.write((t) => work(w, t))),
    step(`begin ${name}`, (w) => work(w, w.postgres.begin())),
  );

/** Own color and floor swap which of them is red. */
function swap({ postgres }: SimWorld, t: Transaction, floor: Color): void {
  if (!postgres.floor(t, 1, floor)) return;
  for (const subject of SUBJECTS.slice(0, 2))
    postgres.person(t, subject, floor === RED ? GREEN : RED, [1]);
}

const photoOf = (n: number) =>
  n % 2 === 0 ? undefined : Buffer.alloc(16, n).toString('base64url');

export const ASKS = [
  fc
    .tuple(nat, subjects)
    .map(([n, s]) => step(`ask ${n} ${s}`, (w) => void pick(w.processes, n)?.ask(s))),
  plain('ask all', (w) => {
    for (const process of w.processes) for (const s of SUBJECTS) void process.ask(s);
  }),
  fc.tuple(nat, subjects).map(([n, s]) =>
    step(`ask ${n} ${s} for now`, (w) => {
      const process = pick(w.processes, n);
      if (process?.freshness.epoch === w.postgres.epoch) void process?.ask(s, w.postgres.now());
    }),
  ),
];

export const WRITES = [
  fc
    .tuple(subjects, colors, fc.subarray(AREAS), nat)
    .chain(([s, color, areas, n]) =>
      writing(`${s} ${color} ${areas}`, (w, t) =>
        w.postgres.person(t, s, color, areas, photoOf(n)),
      ),
    ),
  subjects.chain((s) => writing(`${s} erased`, (w, t) => w.postgres.person(t, s, undefined))),
  fc
    .tuple(fc.constantFrom(...AREAS), colors)
    .chain(([area, floor]) =>
      writing(`area ${area} ${floor}`, (w, t) => w.postgres.floor(t, area, floor)),
    ),
  fc
    .constantFrom<Color>(GREEN, RED)
    .chain((floor) => writing(`swap ${floor}`, (w, t) => swap(w, t, floor))),
  fc.tuple(colors, fc.boolean()).chain(([color, withFloor]) =>
    writing(`all ${color}${withFloor ? ' with a floor' : ''}`, (w, t) => {
      for (const round of [0, 1])
        for (const s of SUBJECTS) w.postgres.person(t, s, color, round === 0 ? [] : [2]);
      if (withFloor) w.postgres.floor(t, 2, color);
    }),
  ),
];

export const ENDINGS = [
  numbered('commit', ({ postgres }, n) => {
    const t = pick(postgres.open, n);
    if (t) postgres.commit(t);
  }),
  numbered('roll back', ({ postgres }, n) => {
    const t = pick(postgres.open, n);
    if (t) postgres.rollback(t);
  }),
];

const spans = fc.constantFrom(2, 15, 70, 200, 450, 1_200);
export const PASSES = [spans.map((ms) => step(`pass ${ms}`, (w) => w.pass(ms)))];

const states = fc.constantFrom<LinkState>('open', 'open', 'slow', 'cut', 'silent');

export const LINKS = [
  fc
    .tuple(nat, states)
    .map(([n, state]) =>
      step(`process ${n}, source: ${state}`, (w) => pick(w.processes, n)?.setSourceLink(state)),
    ),
  fc
    .tuple(nat, states, fc.option(shards, { nil: undefined }))
    .map(([n, state, shard]) =>
      step(`process ${n}, redis ${shard ?? ''}: ${state}`, (w) =>
        pick(w.processes, n)?.setRedisLinks(state, shard),
      ),
    ),
  fc
    .tuple(nat, states)
    .map(([n, state]) =>
      step(`relay ${n}, source: ${state}`, (w) => pick(w.relays, n)?.setSourceLink(state)),
    ),
  fc
    .tuple(nat, states, fc.option(shards, { nil: undefined }))
    .map(([n, state, shard]) =>
      step(`relay ${n}, redis ${shard ?? ''}: ${state}`, (w) =>
        pick(w.relays, n)?.setRedisLinks(state, shard),
      ),
    ),
];

export const RESTARTS = [
  numbered('restart process', (w, n) => w.restartProcess(n)),
  numbered('restart relay', (w, n) => w.restartRelay(n)),
];

const lacks = fc.constantFrom(0, 20, 150, 500, 1_200);

/** What a Redis Cluster does that forgets. */
export const NODES = [
  fc
    .tuple(shards, lacks)
    .map(([shard, ms]) => step(`promote ${shard}, lacks ${ms}`, (w) => w.redis.promote(shard, ms))),
  fc
    .tuple(shards, lacks, spans)
    .map(([shard, ms, lasts]) =>
      step(`split ${shard}, lacks ${ms}, for ${lasts}`, (w) => w.redis.split(shard, ms, lasts)),
    ),
  fc
    .tuple(shards, fc.constantFrom(0, 200, 1_500, 5_000))
    .map(([shard, ms]) =>
      step(`restart ${shard} from ${ms} ago`, (w) => w.redis.restart(shard, ms)),
    ),
];

export const PAUSES = [
  shards.map((shard) => step(`hang ${shard}`, (w) => w.redis.hang(shard))),
  shards.map((shard) => step(`resume ${shard}`, (w) => w.redis.resume(shard))),
];

export const EMPTIED = [
  shards.map((shard) => step(`empty ${shard}`, (w) => w.redis.empty(shard))),
  plain('empty all', (w) => [0, 1, 2].map((shard) => w.redis.empty(shard))),
];

export const CLOCKS = [
  fc
    .tuple(nat, fc.constantFrom(-60_000, -700, 700, 60_000))
    .map(([n, ms]) =>
      step(`set clock ${n} by ${ms}`, (w) => pick(w.processes, n)?.clock.stepWall(ms)),
    ),
  nat.map((n) => step(`process ${n} sleeps`, (w) => pick(w.processes, n)?.sleep(1_500))),
  fc
    .constantFrom(-2_000, -300, 300, 2_000)
    .map((ms) => step(`set the source's clock by ${ms}`, (w) => w.postgres.stepClock(ms))),
];

const backups = new WeakMap<SimWorld, Disk>();

const backUp = plain('back up', (w) => backups.set(w, w.postgres.backup()));
/** Another copy of the source takes its place. */
export const PROMOTIONS = [
  backUp,
  plain('promote the standby', (w) => {
    const backup = backups.get(w);
    if (backup) w.postgres.restore(backup, true);
  }),
];

/** The same server with older data, which lack a token that the feed knows: what nobody can notice, nobody promises. */
export const LOSSES = [
  backUp,
  plain('restore', (w) => {
    const backup = backups.get(w);
    const newest = w.postgres.disk.tokens.at(-1);
    if (!backup || !newest || backup.tokens.includes(newest) || !w.feedKnows(newest.token)) return;
    w.postgres.restore(backup, false);
  }),
];

/** @param subject who has been erased, and comes back */
export const isErased = ({ postgres }: SimWorld, subject: Subject) =>
  postgres.truth(subject) === undefined;
