// What was predicted beside what a breakpoint held.

import { SHARES } from '../lib/shares.ts';
import type { Result } from '../report/result.ts';
import { type Costs, parsed, WrongFile } from './costs.ts';
import { type Layers, PHOTO_SHARE, predictBreakpoint } from './predict.ts';

export interface Compared {
  readonly scenario: string;
  readonly commit: string;
  readonly people: number;
  readonly processes: number;
  readonly cores: number;
  /** Questions a second. */
  readonly predicted: number;
  readonly measured: number;
  /** Of what was measured: 0.1 means that ten in a hundred more were predicted. */
  readonly difference: number;
  readonly isNear: boolean;
}

/** Further away than this, the model or a cost in it is wrong. */
export const NEAR = 0.25;

/** @param layersOf where the records of so many people are found @throws WrongFile */
export function compare(
  costs: Costs,
  text: string,
  layersOf: (people: number) => Layers,
): Compared {
  const { scenario, commit, settings = {}, figures = [] } = parsed(text) as Partial<Result>;
  if (typeof scenario !== 'string' || typeof commit !== 'string')
    throw new WrongFile('no result of a run: it has no scenario or no commit');
  const measured = Number(figures.find(({ name }) => name === 'held_per_s')?.value ?? Number.NaN);
  if (!(measured > 0))
    throw new WrongFile('no "held_per_s" above 0 among the figures: only a breakpoint has it');
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
  const load = { shares: SHARES, photo: PHOTO_SHARE, layers: layersOf(people) };
  const predicted = predictBreakpoint(costs, { processes, cores }, load);
  const difference = predicted / measured - 1;
  return {
    ...{ scenario, commit, people, processes, cores, measured, difference },
    predicted: Math.round(predicted),
    isNear: Math.abs(difference) <= NEAR,
  };
}
