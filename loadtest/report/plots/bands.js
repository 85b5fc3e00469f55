// What lies behind and upon the lines: the phases of the run, and the limit.

import { FONT, paint } from './basics.js';

const ROW_PX = 16;

/** Phases with the row that each is named in: those that overlap have rows of their own. */
export function inRows(phases) {
  const ends = [];
  return phases.map((phase) => {
    const free = ends.findIndex((end) => end <= phase.fromS);
    const row = free < 0 ? ends.length : free;
    ends[row] = phase.toS;
    return { ...phase, row };
  });
}

const rowCount = (phases) => Math.max(0, ...phases.map(({ row }) => row + 1));

/** Room above the lines, in CSS pixels. */
export const namesHeight = (phases) => rowCount(phases) * ROW_PX + 4;

function clipped(u, top, height, draw) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, top, bbox.width, height);
  ctx.clip();
  ctx.font = `${11 * devicePixelRatio}px ${FONT}`;
  draw(ctx);
  ctx.restore();
}

/** The longest beginning of a name for which there is room; nothing rather than a letter or two. */
function fitting(ctx, text, width) {
  for (let length = text.length; length > 2; length--) {
    const cut = length === text.length ? text : `${text.slice(0, length)}…`;
    if (ctx.measureText(cut).width <= width) return cut;
  }
  return '';
}

export function drawPhases(u, phases) {
  const { left, top, width, height } = u.bbox;
  const line = ROW_PX * devicePixelRatio;
  const pad = 4 * devicePixelRatio;
  clipped(u, 0, top + height, (ctx) => {
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    phases.forEach(({ name, fromS, toS, row }, i) => {
      const from = Math.max(u.valToPos(fromS, 'x', true), left);
      const to = Math.min(u.valToPos(toS, 'x', true), left + width);
      if (to <= from) return;
      const above = top - (rowCount(phases) - row) * line;
      ctx.fillStyle = paint(i % 2 ? 'band-odd' : 'band-even');
      ctx.fillRect(from, above, to - from, top + height - above);
      ctx.fillStyle = paint('soft');
      ctx.fillText(fitting(ctx, name, to - from - 2 * pad), from + pad, above + line / 2);
    });
  });
}

/** A dashed line with its label; one that is above all that is shown is told at the upper edge. */
export function drawLimit(u, { label, value }) {
  const { left, top, width, height } = u.bbox;
  const hidden = value > u.scales.y.max;
  const y = hidden ? top : Math.round(u.valToPos(value, 'y', true));
  const below = y - top < 18 * devicePixelRatio;
  const text = hidden ? `↑ ${label}: above` : label;
  const at = [left + width - 6 * devicePixelRatio, y + (below ? 4 : -3) * devicePixelRatio];
  clipped(u, top, height, (ctx) => {
    if (!hidden) drawDashes(ctx, { left, right: left + width, y });
    ctx.textAlign = 'right';
    ctx.textBaseline = below ? 'top' : 'bottom';
    // A halo, as lines may run beneath it.
    ctx.lineWidth = 4 * devicePixelRatio;
    ctx.lineJoin = 'round';
    ctx.strokeStyle = paint('panel');
    ctx.strokeText(text, ...at);
    ctx.fillStyle = paint('limit');
    ctx.fillText(text, ...at);
  });
}

function drawDashes(ctx, { left, right, y }) {
  ctx.save();
  ctx.strokeStyle = paint('limit');
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(left, y);
  ctx.lineTo(right, y);
  ctx.stroke();
  ctx.restore();
}
