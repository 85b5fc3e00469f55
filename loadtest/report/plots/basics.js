// What the others draw and write with.

const NUMBER = new Intl.NumberFormat('en-US', {
  maximumFractionDigits: 0,
  maximumSignificantDigits: 3,
  roundingPriority: 'morePrecision',
});
const SHORT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });

/** As on the rest of the page. */
export const shown = (value, unit) =>
  NUMBER.format(value) + (unit === '' || unit.startsWith('/') ? unit : `\u00a0${unit}`);

export const shownShort = (value) => SHORT.format(value);

export const clock = (seconds) =>
  [seconds / 60, seconds % 60].map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');

/** A color of the style sheet, as it is now: light and dark may change under an open page. */
export const paint = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export const COLORS = 6;
/** Beyond the colors: the same again, dashed. */
export const DASHES = [[], [7, 4], [2, 3]];

export const FONT = 'system-ui, sans-serif';

export const element = (tag, className, text = '') =>
  Object.assign(document.createElement(tag), { className, textContent: text });
