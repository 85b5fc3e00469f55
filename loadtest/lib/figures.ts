// What a run counts (k6). Of each question exactly one ending: asked = answered + shed + failed + wrong + unmarked.

import { Counter, Gauge, Rate, Trend } from 'k6/metrics';

export const figures = {
  asked: new Counter('asked'),
  answered: new Counter('answered'),
  shed: new Counter('shed'),
  failed: new Counter('failed'),
  /** Another color or photo than the person's own, or nobody at all. */
  wrong: new Counter('wrong'),
  /** Older than it may be, and does not say so. */
  staleUnmarked: new Counter('stale_unmarked'),
  /** Of those answered: they say that they are old. */
  staleMarked: new Counter('stale_marked'),

  /** Not answered, or late. */
  notGood: new Counter('not_good'),

  /** Different people, each at their first opening; and those of them who had an answer, then or by coming back. */
  peopleAsked: new Counter('people_asked'),
  peopleAnswered: new Counter('people_answered'),
  /** Questions of those who come back after an error; who had none after three of these; whom the script forgot. */
  retried: new Counter('retried'),
  gaveUp: new Counter('gave_up'),
  retriesForgotten: new Counter('retries_forgotten'),

  /** Of what gates were answered: where it came from. */
  fromMemory: new Rate('from_memory'),
  fromRedis: new Rate('from_redis'),
  fromSource: new Rate('from_source'),

  httpMs: new Trend('http_ms', true),
  grpcMs: new Trend('grpc_ms', true),
  lineMs: new Trend('line_ms', true),
  /** Of the person whom all ask about, who is in none of the others. */
  hotMs: new Trend('hot_ms', true),
  /** Cheaper to watch than a percentile of millions. */
  httpInTime: new Rate('http_in_time'),
  grpcInTime: new Rate('grpc_in_time'),

  photoMs: new Trend('photo_ms', true),
  photosAsked: new Counter('photos_asked'),
  photosAnswered: new Counter('photos_answered'),
  photosShed: new Counter('photos_shed'),
  photosFailed: new Counter('photos_failed'),
  photosWrong: new Counter('photos_wrong'),

  /** Of the generator itself: the share of the CPU that it may use, and of the people it let in too late. */
  generatorCpu: new Gauge('generator_cpu'),
  generatorCpuHigh: new Rate('generator_cpu_high'),
  generatorLate: new Rate('generator_late'),

  /** From the time of a change to the first answer that shows it. */
  visibleMs: new Trend('visible_ms', true),
  visibleInTime: new Rate('visible_in_time'),
} as const;
