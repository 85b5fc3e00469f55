// The part of the page that shows a run beside the one before it.

import type { Comparison, Difference } from './compare.ts';
import { type Html, html } from './html.ts';
import { commitShown } from './sections.ts';
import { dateShown, percentShown, shown } from './shown.ts';

const MARKS: Readonly<Record<Difference['verdict'], Html>> = {
  better: html`<span class="mark held"><span aria-hidden="true">▲</span> better</span>`,
  worse: html`<span class="mark broken"><span aria-hidden="true">▼</span> worse</span>`,
  other: html`<span class="mark">differs</span>`,
  same: html`<span class="faint">same</span>`,
  new: html`<span class="faint">new</span>`,
};

export function comparison(compared: Comparison): Html {
  const { before, brokenNow, heldAgain, differences } = compared;
  const names = (title: string, list: readonly string[]) =>
    list.length > 0 && html`<p><b>${title}:</b> ${list.join(', ')}</p>`;
  return html`<section aria-labelledby="before"><h2 id="before">Against the run before</h2>
<p class="note">That began ${dateShown(before.startedAt)}, commit ${commitShown(before)}. Marked is what differs by more
than 10\u00a0%: less is noise.</p>
${conditionsOf(compared)}
${names('Broken now, held then', brokenNow)}${names('Held again', heldAgain)}
<table class="stacked differences">
<thead><tr><th scope="col">Figure</th><th scope="col">Now</th><th scope="col">Before</th>
<th scope="col">Difference</th><th scope="col"><span class="spoken">Verdict</span></th></tr></thead>
<tbody>${differences.map(row)}</tbody></table></section>`;
}

function row({ name, unit, now, before, percent, verdict }: Difference): Html {
  const then = before === undefined ? '\u2013' : shown(before, unit);
  return html`<tr class="${verdict}"><th scope="row">${name}</th><td data-label="now">${shown(now, unit)}</td>
<td data-label="before">${then}</td>
<td>${differenceShown(now, before, percent)}</td><td>${MARKS[verdict]}</td></tr>\n`;
}

function differenceShown(now: number, before?: number, percent?: number): string {
  if (percent !== undefined) return now === before ? '0\u00a0%' : percentShown(percent);
  return before === undefined || now === before ? '\u2013' : 'from 0';
}

function conditionsOf({ conditions }: Comparison): Html {
  if (conditions.length === 0) return html``;
  const items = conditions.map(
    ({ name, now, before }) => html`<li><b>${name}</b>: ${now}, then ${before}</li>\n`,
  );
  return html`<div class="warning"><p><b>Not under the same conditions</b>, so the figures compare less well:</p>
<ul>${items}</ul></div>`;
}
