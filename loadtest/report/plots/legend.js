// What belongs to a plot and is no drawing: the names of its lines with their values, the time, the keys.

import { COLORS, clock, DASHES, element, shown } from './basics.js';

const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 };

const most = (values) =>
  values.reduce((max, value) => (value > (max ?? -Infinity) ? value : max), null);

/** @returns what tells the values at an index of the data, or the greatest ones at `null` */
export function makeLegend(place, { series, unit }, toggle) {
  const values = series.map((one, i) => {
    const button = element('button', 'entry');
    button.type = 'button';
    const dash = Math.floor(i / COLORS) % DASHES.length;
    const value = element('span', 'value');
    button.append(
      element('span', `line color-${i % COLORS} dash-${dash}`),
      element('span', 'label', one.label),
      value,
    );
    button.setAttribute('aria-pressed', 'true');
    button.addEventListener('click', () => {
      const show = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(show));
      toggle(i, show);
    });
    place.append(button);
    return value;
  });
  const greatest = series.map((one) => most(one.values));
  const tell = (index) =>
    series.map((one, i) => {
      const value = index === null ? greatest[i] : one.values[index];
      const text = value === null || value === undefined ? '–' : shown(value, unit);
      values[i].textContent = index === null ? `max ${text}` : text;
      return `${one.label} ${text}`;
    });
  tell(null);
  // Now they are longest: so much room they keep.
  for (const value of values) value.style.minWidth = `${value.textContent.length}ch`;
  return tell;
}

/** The plot as something that is moved through by keys and read aloud. */
export function makeKeys(u, { titleId, seconds, go, leave }) {
  const set = (name, value) => u.over.setAttribute(name, value);
  const at = u.data[0];
  u.over.tabIndex = 0;
  set('role', 'slider');
  set('aria-labelledby', titleId);
  set('aria-describedby', 'how');
  set('aria-valuemin', 0);
  set('aria-valuemax', Math.round(seconds));
  set('aria-valuenow', 0);
  u.over.addEventListener('keydown', (event) => {
    const [first, last] = u.series[0].idxs;
    const ends = { Home: first, End: last };
    const step = STEPS[event.key];
    if (event.key === 'Escape') leave();
    const from = u.cursor.idx ?? (step > 0 ? first - 1 : last + 1);
    const index = ends[event.key] ?? from + step;
    if (Number.isNaN(index)) return;
    event.preventDefault();
    go(at[Math.min(Math.max(index, first), last)]);
  });
  return (index, texts) => {
    if (index === null) return;
    set('aria-valuenow', Math.round(at[index]));
    set('aria-valuetext', `${clock(at[index])}: ${texts.join(', ')}`);
  };
}

/** The time that is pointed at, and the phases that it lies in. */
export function timeText(s, phases) {
  const names = phases.filter(({ fromS, toS }) => fromS <= s && s < toS).map(({ name }) => name);
  return [clock(s), ...names].join(' · ');
}
