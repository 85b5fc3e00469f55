// What was predicted beside what a breakpoint held.

import { questionsOf, SHARES } from '../lib/shares.ts';
import type { Result } from '../report/result.ts';
import { type Costs, parsed, WrongFile } from './costs.ts';
import {
  type CostsHere,
  cpuOfOpening,
  PHOTO_SHARE,
  predictBreakpoint,
  predictHere,
  warmLayers,
} from './predict.ts';

export interface Compared {
  readonly scenario: string;
  readonly commit: string;
  readonly people: number;
  readonly processes: number;
  readonly cores: number;
  /** Questions a second, by what they cost in the run itself. */
  readonly predicted: number;
  /** The same by the costs that were given, which are of another hour, or another machine. */
  readonly byCosts: number;
  readonly measured: number;
  /** What a question cost here, of what it costs a busy process by the costs that were given. */
  readonly apart: number;
  /** Of what was measured: 0.1 means that ten in a hundred more were predicted. */
  readonly difference: number;
  readonly isNear: boolean;
}

/** Further away than this, something else than the services' CPU was the limit. */
export const NEAR = 0.25;

/** A setting of every run. */
export const MEMORY_RECORDS = 'people in the memory of a service';

/** Figures of a breakpoint: see {@link CostsHere}. */
export const [QUESTION_US, IDLE_CORES] = ['question_us', 'idle_cores'];

/** @throws WrongFile */
export function compare(costs: Costs, text: string): Compared {
  const { scenario, commit, settings = {}, figures = [] } = parsed(text) as Partial<Result>;
  if (typeof scenario !== 'string' || typeof commit !== 'string')
    throw new WrongFile('no result of a run: it has no scenario or no commit');
  const figure = (wanted: string) =>
    Number(figures.find(({ name }) => name === wanted)?.value ?? Number.NaN);
  const measured = figure('held_per_s');
  if (!(measured > 0))
    throw new WrongFile('no "held_per_s" above 0 among the figures: only a breakpoint has it');
  const here: CostsHere = { questionUs: figure(QUESTION_US), idleCores: figure(IDLE_CORES) };
  if (!(here.questionUs > 0 && here.idleCores >= 0))
    throw new WrongFile(
      `no "${QUESTION_US}" and "${IDLE_CORES}" among the figures: too few of its steps were low`,
    );
  const setting = (name: string) => {
    const value = Number(settings[name]);
    if (!(value > 0)) throw new WrongFile(`no "${name}" above 0 among the settings`);
    return value;
  };
  const [people, processes, cores] = ['people', 'services', 'service_cores'].map(setting) as [
    number,
    number,
    number,
  ];
  const layers = warmLayers(setting(MEMORY_RECORDS), people);
  const load = { shares: SHARES, photo: PHOTO_SHARE, layers };
  // A process uses one core at most.
  const predicted = predictHere(here, Math.min(processes, cores));
  const difference = predicted / measured - 1;
  return {
    ...{ scenario, commit, people, processes, cores, measured, difference },
    predicted: Math.round(predicted),
    apart: here.questionUs / (cpuOfOpening(costs, load, processes) / questionsOf(SHARES)),
    byCosts: Math.round(predictBreakpoint(costs, { processes, cores }, load)),
    isNear: Math.abs(difference) <= NEAR,
  };
}
