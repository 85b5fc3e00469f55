// What collecting garbage costs a process, and what it keeps: memory grows until the next collection, so only what is
// left after one tells whether it stays as it is.

import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { memoryUsage } from 'node:process';
import { type Reading, reading } from '../metrics.ts';

interface Collections {
  count: number;
  seconds: number;
  keptBytes: number;
}

let collections: Collections | undefined;

/** The types do not say what a collection's entry has. */
type Collected = PerformanceEntry & { readonly detail?: { readonly kind?: number } };

/** One observer for the process, however many services it holds; it does not keep the process alive. */
function observed(): Collections {
  if (collections) return collections;
  const own = { count: 0, seconds: 0, keptBytes: 0 };
  const observer = new PerformanceObserver((list) => {
    for (const { duration, detail } of list.getEntries() as Collected[]) {
      own.count += 1;
      own.seconds += duration / 1_000;
      if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) own.keptBytes = keptBytes();
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  collections = own;
  return own;
}

/** In the heap and held by it. Right after a full collection that is what the process has use for. */
function keptBytes(): number {
  const { heapUsed, external } = memoryUsage();
  return heapUsed + external;
}

/** For /metrics of any process. */
export function collectionReadings(): Reading[] {
  const own = observed();
  return [
    reading(
      'lookup_collections_total',
      'Garbage collections, of any kind',
      'counter',
      () => own.count,
    ),
    reading(
      'lookup_collections_seconds_total',
      'Time in which the event loop stood still for them',
      'counter',
      () => own.seconds,
    ),
    reading('lookup_memory_bytes', 'Resident', 'gauge', () => memoryUsage.rss()),
    reading(
      'lookup_memory_heap_bytes',
      'The heap, what is free in it included',
      'gauge',
      () => memoryUsage().heapTotal,
    ),
    reading(
      'lookup_memory_kept_bytes',
      'In the heap, and held by it, after the last full collection; 0 before the first',
      'gauge',
      () => own.keptBytes,
    ),
  ];
}
