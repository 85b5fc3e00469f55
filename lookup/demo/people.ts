// Ten thousand made people in sixteen made districts: the same ones on every machine. Nobody here is real.

import { createHash } from 'node:crypto';
import type { Area, ColorName, Subject } from '../health-code.ts';
import { Random } from './random.ts';

export const DEMO_PEOPLE_COUNT = 10_000;

/** The first so many are on the demo page, and only they are changed from it. */
export const PAGE_PEOPLE_COUNT = 8;

export interface DemoArea {
  readonly id: Area;
  readonly en: string;
  readonly zh: string;
}

export interface DemoPerson {
  readonly subject: Subject;
  readonly color: ColorName;
  readonly areas: readonly Area[];
  readonly portraitSeed: number;
}

const AREA_NAMES: readonly (readonly [string, string])[] = [
  ['Kite Hill', '鸢岭'],
  ['Paper Bridge', '纸桥'],
  ['Moon Well', '月井'],
  ['Plum Ferry', '梅渡'],
  ['Nine Drums', '九鼓'],
  ['Reed Bank', '芦岸'],
  ['Teapot Bay', '壶湾'],
  ['Willow Steps', '柳阶'],
  ['Copper Bell', '铜铃'],
  ['Stone Carp', '石鲤'],
  ['Lantern Row', '灯巷'],
  ['Bamboo Rise', '竹坡'],
  ['Silk Mill', '丝坊'],
  ['Quiet Harbor', '静港'],
  ['Orchard Gate', '果门'],
  ['Cloud Stair', '云梯'],
];

const AREAS: readonly DemoArea[] = AREA_NAMES.map(([en, zh], i) => ({ id: i + 1, en, zh }));

export function demoAreas(): readonly DemoArea[] {
  return AREAS;
}

/** Chosen by hand, so that the page shows every color and somebody with two districts. */
const ON_PAGE: readonly Omit<DemoPerson, 'subject'>[] = [
  { color: 'green', areas: [1], portraitSeed: 14 },
  { color: 'green', areas: [2, 3], portraitSeed: 7 },
  { color: 'yellow', areas: [4], portraitSeed: 5 },
  { color: 'red', areas: [5], portraitSeed: 19 },
  { color: 'green', areas: [1, 6], portraitSeed: 13 },
  { color: 'green', areas: [7], portraitSeed: 10 },
  { color: 'green', areas: [8], portraitSeed: 0 },
  { color: 'green', areas: [1], portraitSeed: 8 },
];

/** @param index from 0 to {@link DEMO_PEOPLE_COUNT} - 1 */
export function demoPerson(index: number): DemoPerson {
  const digest = createHash('sha256').update(`made person ${index} of the demo`).digest();
  const subject = digest.subarray(0, 16).toString('base64url');
  const chosen = ON_PAGE[index];
  if (chosen) return { subject, ...chosen };
  const random = new Random(index);
  const draw = random.next();
  const home = 1 + Math.floor(random.next() * AREAS.length);
  const work = 1 + Math.floor(random.next() * AREAS.length);
  return {
    subject,
    color: draw < 0.97 ? 'green' : draw < 0.99 ? 'yellow' : 'red',
    areas: work !== home && random.chance(0.3) ? [home, work] : [home],
    portraitSeed: 1_000 + index,
  };
}
