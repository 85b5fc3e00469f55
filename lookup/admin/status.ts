import { setTimeout as pause } from 'node:timers/promises';
import type { RedisNodes } from '../redis/nodes.ts';
import { readProcess } from './ops-client.ts';
import { CommandError, type Output } from './output.ts';
import { type Figures, figureLines, figuresOf } from './process-figures.ts';
import { RedisReport, type RelayLook } from './redis-says.ts';
import { type RedisState, readRedisState } from './redis-state.ts';
import { lookAtSource, type OpenSource, sourceLines, sourceValue } from './source-says.ts';

export interface StatusOptions {
  /** Ops ports to ask, as origins; undefined: of those who are registered in Redis, else `ownOps`. */
  readonly ops: readonly string[] | undefined;
  /** Where a process with these settings would be. */
  readonly ownOps: () => string;
  /** Between the two looks that a rate takes. */
  readonly intervalMs: number;
  readonly redis: {
    /** undefined: none is set, or it is not there */
    readonly nodes: RedisNodes | undefined;
    /** Why it is not there although it is set. */
    readonly trouble: string | undefined;
  };
}

/**
 * `lookup status`: how the relays, Redis, the processes and the source are.
 * @throws CommandError (1) after all is said, when one is not ready or not there
 */
export async function status(
  options: StatusOptions,
  openSource: OpenSource,
  output: Output,
): Promise<void> {
  const { nodes, trouble } = options.redis;
  // One after the other: the ages of what Redis says are told by the source's clock.
  const source = await lookAtSource(openSource);
  const redis = nodes && (await readRedisState(nodes));
  const processes = await Promise.all(
    placesOf(options, redis).map((place) => look(place, options.intervalMs)),
  );
  const report = redis && new RedisReport(redis, processes.flatMap(relayOf), source.state);
  const lines = [
    ...(trouble === undefined ? [] : [`redis   NOT THERE: ${trouble}`]),
    ...(report?.lines() ?? []),
    ...processes.flatMap(processLines),
    ...sourceLines(source),
  ];
  for (const line of lines) output.line(line);
  const troubles = [
    ...(trouble === undefined ? [] : [trouble]),
    ...(report?.troubles() ?? []),
    ...processes.flatMap((one) => one.trouble ?? []),
    ...(source.trouble === undefined ? [] : [source.trouble]),
  ];
  output.json({
    ok: troubles.length === 0,
    redis: report?.value() ?? null,
    processes: processes.map(processValue),
    source: source.state ? sourceValue(source.state) : null,
    troubles,
  });
  if (troubles.length > 0) throw new CommandError(troubles.join('\n'), 1);
}

/** Where a process is asked, and what the list says of it. */
interface Place {
  readonly ops: string;
  readonly name?: string;
  readonly role?: string;
  readonly position?: string;
}

function placesOf({ ops, ownOps }: StatusOptions, redis: RedisState | undefined): Place[] {
  const listed = (redis?.registered ?? []).map(({ ops, ...about }) => ({
    ...about,
    ops: `http://${ops}`,
  }));
  if (ops) return ops.map((origin) => listed.find((one) => one.ops === origin) ?? { ops: origin });
  return redis?.registered ? listed : [{ ops: ownOps() }];
}

interface Process {
  readonly place: Place;
  readonly trouble?: string;
  readonly value: Figures | { readonly ready: false; readonly reason: string };
}

async function look(place: Place, intervalMs: number): Promise<Process> {
  const { ops } = place;
  try {
    const before = await readProcess(ops);
    const begun = performance.now();
    await pause(intervalMs);
    const after = await readProcess(ops);
    const value = figuresOf(before.metrics, after, (performance.now() - begun) / 1_000);
    return value.ready
      ? { place, value }
      : { place, value, trouble: `${ops}: not ready: ${value.reason}` };
  } catch (error) {
    const reason = (error as Error).message;
    const trouble =
      `${ops}: ${reason}: is a process running there? Its ops port is LOOKUP_OPS_HOST and LOOKUP_OPS_PORT; ` +
      'name others with --ops';
    return { place, value: { ready: false, reason }, trouble };
  }
}

/** @returns one, when it is a relay that answered */
function relayOf({ place, value }: Process): RelayLook[] {
  if (!('relay' in value) || !value.relay) return [];
  const { leads, term, nodes_behind: nodesBehind } = value.relay;
  return [{ name: place.name ?? place.ops, leads, term, nodesBehind }];
}

function processLines({ place, value }: Process): string[] {
  const { ops, name, role, position } = place;
  const who = name === undefined ? ops : `${name} (${role})`;
  if (!('answers' in value)) return [`${who}  not there: ${value.reason}`];
  const [first, ...lines] = figureLines(value, position);
  return [`${who}  ${first}`, ...lines];
}

const processValue = ({ place, value }: Process) => ({
  ops: place.ops,
  name: place.name ?? null,
  role: place.role ?? null,
  position: place.position ?? null,
  ...value,
});
