// What a run will be, from the words of its command: how many people, at which rate, for how long, on which system.

import {
  arrivalsOf,
  fromSix,
  morning,
  type Shape,
  secondsOf,
  stairs,
  steady,
} from '../lib/shapes.ts';
import { GATES, questionsOf, SHARES } from '../lib/shares.ts';

export const SCALES = ['ci', 'day', 'full'] as const;
export type ScaleName = (typeof SCALES)[number];

interface Scale {
  readonly people: number;
  /** First openings a second at the peak. */
  readonly rate: number;
  /** Of the peak, for scenarios that do not ask everybody. */
  readonly seconds: number;
  /** Everybody is asked once, in scenarios that can. */
  readonly allPeople: boolean;
  readonly limits: Limits;
}

export interface Limits {
  /** A phone, and a gate, that waits longer is late. */
  readonly httpLateMs: number;
  readonly grpcLateMs: number;
  /** As lib/settings.ts has them. */
  readonly generatorLateShare: number;
  readonly refusedShare: number;
  readonly busyMs: number;
  readonly bunch: number;
}

/** What a release is judged by. */
const STRICT: Limits = {
  ...{ httpLateMs: 100, grpcLateMs: 50 },
  ...{ generatorLateShare: 0.01, refusedShare: 0, busyMs: 750, bunch: 32 },
};
/**
 * On whatever shared machine a change is tried, a pause of it is nobody's fault: the times say only that nothing hangs.
 * What is told must be right all the same.
 */
const SHARED: Limits = {
  ...{ httpLateMs: 300, grpcLateMs: 200 },
  ...{ generatorLateShare: 0.1, refusedShare: 0.01, busyMs: 500, bunch: 8 },
};
/** Each virtual user has connections of its own, which cost the service more than their questions: few of them. */
const FEW: Limits = { ...STRICT, busyMs: 100, bunch: 4 };

/** What k6 can ask on two cores that run the system as well is what bounds the rates. */
const OF_SCALE: Readonly<Record<ScaleName, Scale>> = {
  ci: { people: 100_000, rate: 500, seconds: 30, allPeople: false, limits: SHARED },
  day: { people: 1_000_000, rate: 1_000, seconds: 180, allPeople: true, limits: STRICT },
  full: { people: 10_000_000, rate: 1_000, seconds: 600, allPeople: true, limits: STRICT },
};

type ShapeName = 'steady' | 'morning' | 'from-six' | 'stairs';

interface ScenarioPlan {
  readonly shape: ShapeName;
  /** Of the scale's rate. */
  readonly rateShare: number;
  /** Seconds of the peak; undefined: the scale's. */
  readonly seconds?: Readonly<Record<ScaleName, number>>;
  readonly asksEverybody?: true;
  /** As lib/shares.ts has them; undefined: {@link GATES}. */
  readonly gates?: Partial<Readonly<Record<ScaleName, number>>>;
  /** Others than the scale's. */
  readonly limits?: Limits;
  /** LOOKUP_… of every process. */
  readonly env?: Readonly<Record<string, string>>;
  /** It finds what the services can answer, and asks by that. */
  readonly findsRate?: true;
}

/** Highest step of the stairs, of the scale's rate: above what one generator can ask. */
const STAIRS_SHARE = 3;

export const PLANS = {
  smoke: { shape: 'steady', rateShare: 0.05, seconds: { ci: 10, day: 20, full: 20 } },
  // Ten million phones are the question at full, and a gate's question costs the generator several of a phone's.
  'morning-surge': { shape: 'morning', rateShare: 1, asksEverybody: true, gates: { full: 0.1 } },
  'cold-morning': { shape: 'from-six', rateShare: 1 },
  'recolor-at-peak': { shape: 'morning', rateShare: 1 },
  'hot-key': { shape: 'steady', rateShare: 0.6 },
  breakpoint: {
    shape: 'stairs',
    rateShare: STAIRS_SHARE,
    seconds: { ci: 120, day: 240, full: 240 },
    limits: FEW,
  },
  // Everybody who floods has a token that is new and a record that is not in memory: what memory answers costs no more
  // than a refusal, and cannot overload anything.
  overload: {
    shape: 'steady',
    rateShare: 0.2,
    limits: FEW,
    env: { LOOKUP_TOKENS_MAX: '2000' },
    findsRate: true,
  },
  'relays-stopped': {
    shape: 'steady',
    rateShare: 0.5,
    seconds: { ci: 75, day: 75, full: 75 },
    limits: FEW,
    findsRate: true,
  },
  soak: { shape: 'steady', rateShare: 0.5, seconds: { ci: 60, day: 3_600, full: 3_600 } },
} as const satisfies Record<string, ScenarioPlan>;
export type ScenarioName = keyof typeof PLANS;

export interface Plan {
  readonly scenario: ScenarioName;
  readonly scale: ScaleName;
  readonly seed: number;
  readonly people: number;
  readonly rate: number;
  /** Of the peak: what the script is told. */
  readonly seconds: number;
  readonly shape: Shape;
  /** Of the whole load. */
  readonly secondsOfLoad: number;
  /** Different people who are asked, at least. */
  readonly peopleAsked: number;
  readonly allPeople: boolean;
  /** Of those who opened, whom a gate asks about. */
  readonly gates: number;
  readonly services: number;
  readonly relays: number;
  readonly masters: number;
  readonly replicas: number;
  /** Of each service. */
  readonly memoryRecordsMax: number;
  readonly limits: Limits;
  /** LOOKUP_… of every process, besides the fleet's. */
  readonly env: Readonly<Record<string, string>>;
  /** Of what the services can answer, whatever `rate` is. */
  readonly findsRate: boolean;
}

export interface PlanWords {
  readonly scenario: ScenarioName;
  readonly scale: ScaleName;
  readonly people?: number | undefined;
  readonly rate?: number | undefined;
  readonly seconds?: number | undefined;
  readonly services?: number | undefined;
  /** That all services together may use; undefined: all that there are. */
  readonly serviceCores?: number | undefined;
}

const SEED = 1;
/** Memory of all services together holds so many of those who are asked: else Redis would have nothing to do. */
const MEMORY_SHARE = 0.1;

export function planOf(words: PlanWords): Plan {
  const { scenario, scale, services = 2 } = words;
  const plan: ScenarioPlan = PLANS[scenario];
  const of = OF_SCALE[scale];
  const people = words.people ?? of.people;
  const limited = plan.shape === 'stairs' ? words.serviceCores : undefined;
  const rate = words.rate ?? (limited ? stairsRate(limited) : of.rate * plan.rateShare);
  const allPeople = of.allPeople && plan.asksEverybody === true && words.seconds === undefined;
  const seconds =
    words.seconds ??
    (allPeople ? secondsForAll(people, rate) : (plan.seconds?.[scale] ?? of.seconds));
  const shape = shapeOf(plan.shape, rate, seconds);
  const peopleAsked = Math.min(people, arrivalsOf(shape));
  return {
    ...{ scenario, scale, seed: SEED, people, rate, seconds, shape, peopleAsked, allPeople },
    secondsOfLoad: secondsOf(shape),
    gates: plan.gates?.[scale] ?? GATES,
    limits: plan.limits ?? of.limits,
    env: plan.env ?? {},
    findsRate: plan.findsRate === true,
    ...{ services, relays: 2, masters: 3, replicas: 3 },
    memoryRecordsMax: Math.max(1, Math.floor((peopleAsked * MEMORY_SHARE) / services)),
  };
}

/** Of the stairs. */
export const STEPS = 20;

/** What a question costs a service that is not busy, and how much cheaper it may be on another day. */
const [QUESTION_US, CHEAPER_TIMES] = [250, 1.5];

/** @returns first openings a second on the highest step, for services that share so much of a core */
export const stairsRate = (cores: number): number =>
  Math.round(((cores * 1e6) / QUESTION_US / questionsOf(SHARES)) * CHEAPER_TIMES);

function shapeOf(name: ShapeName, rate: number, seconds: number): Shape {
  if (name === 'stairs') return stairs(rate, seconds, STEPS);
  return { steady, morning, 'from-six': fromSix }[name](rate, seconds);
}

/** k6 rounds its rates, and arrivals may be dropped: a little more than everybody. */
const MORE_THAN_ALL = 1.01;

/** The peak's length after which everybody has arrived, before the tail begins. */
function secondsForAll(people: number, rate: number): number {
  let [least, most] = [0, (people * MORE_THAN_ALL) / rate];
  while (most - least > 1) {
    const middle = (least + most) / 2;
    if (arrivalsOf(morning(rate, middle)) < people * MORE_THAN_ALL) least = middle;
    else most = middle;
  }
  return Math.ceil(most);
}
