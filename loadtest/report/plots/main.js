// Draws the plots into their places on the page, with one cursor and one stretch of time for all of them.

import { drawLimit, drawPhases, inRows, namesHeight } from './bands.js';
import { COLORS, clock, DASHES, FONT, paint, shownShort } from './basics.js';
import { makeKeys, makeLegend, timeText } from './legend.js';
import { linearRange, logarithmicRange } from './scales.js';

const { plots, phases: told, seconds } = JSON.parse(document.getElementById('data').textContent);
const phases = inRows(told);
const end = Math.max(seconds, ...plots.map(({ at }) => at.at(-1) ?? 0));
/** Of a printed page, between its margins. */
const PAPER_PX = 660;
const drawn = [];

const zoom = (min, max) => {
  for (const { u } of drawn) u.setScale('x', { min, max });
};
const sizeOf = (width) => ({ width, height: width < 480 ? 190 : 230 });
const redraw = () => {
  for (const { u } of drawn) u.redraw(false);
};

function axis(more, filter = {}) {
  const grid = { stroke: () => paint('grid'), width: 1, ...filter };
  const ticks = { ...grid, size: 4 };
  return { stroke: () => paint('soft'), font: `11px ${FONT}`, grid, ticks, ...more };
}

/** Of a decade, three: ten of them are a shade. */
const fewer = { filter: (_u, splits) => splits.map((v) => (/^[0.]*[125]0*$/.test(v) ? v : null)) };

const axes = (logarithmic) => [
  axis({
    incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600],
    values: (_u, splits) => splits.map(clock),
    space: 56,
    size: 28,
  }),
  axis(
    {
      values: (_u, splits) => splits.map((value) => (value === null ? '' : shownShort(value))),
      size: 50,
    },
    logarithmic ? fewer : {},
  ),
];

/** A line that is alone is filled down to zero. */
function lineOf(i, alone) {
  const stroke = () => paint(`color-${i % COLORS}`);
  return {
    stroke,
    width: 1.75,
    dash: DASHES[Math.floor(i / COLORS) % DASHES.length],
    points: { size: 5 },
    ...(alone && { fill: () => `${stroke()}26` }),
  };
}

function optionsOf({ series, limit, logarithmic }, tell) {
  return {
    padding: [namesHeight(phases), 20, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      sync: {
        key: 'run',
        scales: ['x', null],
        setSeries: false,
        filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' },
      },
      bind: { dblclick: () => () => zoom(0, end) },
    },
    scales: {
      x: { time: false, range: (_u, from, to) => [from, to] },
      y: logarithmic ? { distr: 3, range: logarithmicRange(limit) } : { range: linearRange(limit) },
    },
    axes: axes(logarithmic),
    series: [{}, ...series.map((_one, i) => lineOf(i, series.length === 1 && !logarithmic))],
    hooks: {
      drawClear: [(u) => drawPhases(u, phases)],
      draw: limit ? [(u) => drawLimit(u, limit)] : [],
      setCursor: [tell],
      setSelect: [zoomToSelected],
    },
  };
}

function zoomToSelected(u) {
  const { left, width } = u.select;
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (width > 4) zoom(u.posToVal(left, 'x'), u.posToVal(left + width, 'x'));
}

/** To a time, on every plot; to none: the cursor leaves. */
function go(s) {
  for (const { u } of drawn)
    u.setCursor({
      left: s === undefined ? -10 : u.valToPos(s, 'x'),
      top: s === undefined ? -10 : 0,
    });
}

function draw(figure, plot, i) {
  const place = figure.querySelector('.drawing');
  const time = figure.querySelector('.at');
  if (!plot.series.some(({ values }) => values.some((value) => value !== null))) {
    place.textContent = 'Nothing was measured.';
    return;
  }
  let u;
  let say = () => {};
  const legend = makeLegend(figure.querySelector('.legend'), plot, (index, show) =>
    u.setSeries(index + 1, { show }),
  );
  const tell = ({ cursor }) => {
    const index = cursor.idx ?? null;
    time.textContent = index === null ? '' : timeText(plot.at[index], phases);
    say(index, legend(index));
  };
  const options = { ...optionsOf(plot, tell), ...sizeOf(place.clientWidth) };
  u = new window.uPlot(options, [plot.at, ...plot.series.map(({ values }) => values)], place);
  say = makeKeys(u, {
    titleId: `plot-${i}`,
    seconds: end,
    go,
    leave: () => {
      zoom(0, end);
      go();
    },
  });
  u.over.addEventListener('blur', () => go());
  drawn.push({ u, place });
  new ResizeObserver(() => refit({ u, place })).observe(place);
}

function refit({ u, place }) {
  if (place.clientWidth > 0 && place.clientWidth !== u.width) u.setSize(sizeOf(place.clientWidth));
}

document.querySelectorAll('.plot').forEach((figure, i) => {
  draw(figure, plots[i], i);
});
zoom(0, end);

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
addEventListener('beforeprint', () => {
  document.documentElement.dataset.paper = '';
  for (const { u } of drawn) u.setSize(sizeOf(PAPER_PX));
});
addEventListener('afterprint', () => {
  delete document.documentElement.dataset.paper;
  drawn.forEach(refit);
});
