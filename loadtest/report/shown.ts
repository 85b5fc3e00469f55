// Numbers and times as people read them.

const NUMBER = new Intl.NumberFormat('en-US', {
  maximumFractionDigits: 0,
  maximumSignificantDigits: 3,
  roundingPriority: 'morePrecision',
});
/** 99.96 % is not 100 %: of millions it is thousands. */
const SHARE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });

/** `1,234,567`, `12.3 ms`, `5,000/s`, `99.96 %`. */
export function shown(value: number, unit = ''): string {
  const number = (unit === '%' ? SHARE : NUMBER).format(value);
  return unit === '' || unit.startsWith('/') ? number + unit : `${number}\u00a0${unit}`;
}

/** `+12 %`, `-40 %`: whole above ten, as finer is noise. */
export function percentShown(percent: number): string {
  const size = Math.abs(percent);
  const digits = size >= 10 ? size.toFixed(0) : size.toFixed(1);
  return `${percent < 0 ? '\u2212' : '+'}${digits}\u00a0%`;
}

/** `45 s`, `10 min`, `1 h 2 min 5 s`. */
export function durationShown(seconds: number): string {
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 3_600), 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const;
  const told = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return told.join(' ') || '0 s';
}

/** Minutes and seconds from the beginning: `03:05`. */
export const clockShown = (seconds: number): string =>
  [Math.floor(seconds / 60), Math.floor(seconds % 60)]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');

/** `2026-11-27 20:45 UTC`, of ISO 8601. */
export const dateShown = (iso: string): string =>
  `${new Date(iso).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
