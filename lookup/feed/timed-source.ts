import type { Clock } from '../clock.ts';
import type { Source } from '../source/source.ts';
import type { SourceClock } from './source-clock.ts';

/** Every read of the source is a round trip that tells its time. */
export function timed(source: Source, sourceClock: SourceClock, clock: Clock): Source {
  return {
    async load(subjects, signal) {
      const asked = clock.monoMs();
      const loaded = await source.load(subjects, signal);
      sourceClock.observe(loaded.asOf, asked);
      return loaded;
    },
  };
}
