// What a caller sees at each door of the services: for the time from a commit to the answer.

import { setTimeout as sleep } from 'node:timers/promises';
import { GateClient } from '../edge/grpc-client.ts';
import type { ReadAnswer } from '../edge/wire.ts';
import { type Color, colorOf } from '../health-code.ts';
import { HttpLine } from './http-line.ts';
import { tokenOf } from './load.ts';
import { subjectOf } from './population.ts';
import type { BenchServer } from './process.ts';

/** Between two questions about the same change. */
const ASK_EVERY_MS = 2;

export interface Door {
  readonly name: string;
  color(n: number): Promise<Color | undefined>;
  close(): void;
}

export class HttpDoor implements Door {
  readonly name: string;
  readonly #line: HttpLine;

  constructor(name: string, port: number) {
    this.name = name;
    this.#line = new HttpLine(port);
  }

  async color(n: number): Promise<Color | undefined> {
    const answer = await this.#line.asked(HttpLine.request(tokenOf(n)));
    return colorOf(/"color":"(\w+)"/.exec(answer)?.[1] ?? '');
  }

  close(): void {
    this.#line.close();
  }
}

export class GateDoor implements Door {
  readonly name: string;
  readonly #client: GateClient;

  constructor(name: string, port: number) {
    this.name = name;
    this.#client = new GateClient(`127.0.0.1:${port}`);
  }

  ask(n: number): Promise<ReadAnswer> {
    return this.#client.ask({ subject: subjectOf(n) });
  }

  async color(n: number): Promise<Color | undefined> {
    return (await this.ask(n)).color;
  }

  close(): void {
    this.#client.close();
  }
}

export interface Doors {
  readonly all: readonly Door[];
  readonly gates: readonly GateDoor[];
  close(): void;
}

export function openDoors(services: readonly BenchServer[]): Doors {
  const gates = services.map(
    ({ ports }, i) => new GateDoor(`process ${i + 1} grpc`, ports.grpc as number),
  );
  const phones = services.map(
    ({ ports }, i) => new HttpDoor(`process ${i + 1} http`, ports.http as number),
  );
  const all = [...phones, ...gates];
  return {
    all,
    gates,
    close() {
      for (const door of all) door.close();
    },
  };
}

/** @returns milliseconds since `sinceMs` when what is asked is so */
export async function msUntil(
  isSo: () => Promise<boolean>,
  sinceMs: number,
  withinMs: number,
  everyMs = ASK_EVERY_MS,
): Promise<number> {
  for (;;) {
    // Who is not answered asks again.
    if (await isSo().catch(() => false)) return performance.now() - sinceMs;
    if (performance.now() - sinceMs > withinMs) throw new Error('a change does not show');
    await sleep(everyMs);
  }
}
