// The parts of the page above and below the plots: verdict, figures, budgets, settings.

import { type Html, html } from './html.ts';
import type { Budget, Figure, Result } from './result.ts';
import { clockShown, dateShown, durationShown, shown } from './shown.ts';

const HELD = html`<span class="mark held"><span aria-hidden="true">✓</span> held</span>`;
const BROKEN = html`<span class="mark broken"><span aria-hidden="true">✗</span> broken</span>`;

/** What a budget is linked to by. */
const idOf = (index: number) => `budget-${index + 1}`;

export const commitShown = ({ commit, changed }: Pick<Result, 'commit' | 'changed'>): Html =>
  html`<code>${commit}</code>${changed && ' with uncommitted changes'}`;

/** In a few words, for the window's title as well. */
export function verdictOf({ ok, budgets }: Result): string {
  const broken = budgets.filter((budget) => !budget.ok).length;
  if (broken > 0) return `${broken} of ${budgets.length} budgets broken`;
  return ok ? 'every budget held' : 'the run failed';
}

export function banner(result: Result): Html {
  const broken = result.budgets.flatMap(({ ok, name }, i) =>
    ok ? [] : [html`<li><a href="#${idOf(i)}">${name}</a></li>`],
  );
  const held = result.ok && broken.length === 0;
  return html`<header class="banner ${held ? 'held' : 'broken'}">
<p class="what">Load test <span aria-hidden="true">·</span> scale ${result.scale}</p>
<h1>${result.scenario}</h1>
<p class="verdict"><span aria-hidden="true">${held ? '✓' : '✗'}</span> ${verdictOf(result)}</p>
${broken.length > 0 && html`<ul class="names">${broken}</ul>`}
<dl class="run">
<div><dt>Began</dt><dd><time datetime="${result.startedAt}">${dateShown(result.startedAt)}</time></dd></div>
<div><dt>Load for</dt><dd>${durationShown(result.seconds)}</dd></div>
<div><dt>Commit</dt><dd>${commitShown(result)}</dd></div>
</dl>
</header>
<p class="question">${result.question}</p>`;
}

export function cards(figures: readonly Figure[]): Html {
  const card = ({ name, value, unit }: Figure) =>
    html`<div class="card"><dt>${name}</dt><dd>${shown(value, unit)}</dd></div>\n`;
  return html`<section aria-labelledby="figures"><h2 id="figures">Figures</h2>
<dl class="cards">${figures.map(card)}</dl></section>`;
}

/** Broken ones first. What a budget means is open where it is broken, and on request where it held. */
export function budgetTable(budgets: readonly Budget[]): Html {
  const rows = budgets
    .map((budget, i) => ({ budget, id: idOf(i) }))
    .sort((a, b) => Number(a.budget.ok) - Number(b.budget.ok))
    .map(({ budget, id }) => budgetRow(budget, id));
  return html`<section aria-labelledby="budgets"><h2 id="budgets">Budgets</h2>
<table class="stacked">
<thead><tr><th scope="col">Budget</th><th scope="col">Asked</th><th scope="col">Found</th>
<th scope="col">Verdict</th></tr></thead>
<tbody>${rows}</tbody></table></section>`;
}

function budgetRow({ name, asked, found, ok, meaning }: Budget, id: string): Html {
  const row = html`<tr id="${id}" class="${ok ? 'held' : 'broken'}">
<th scope="row">${ok ? html`<details><summary>${name}</summary><p>${meaning}</p></details>` : name}</th>
<td data-label="asked">${asked}</td>
<td data-label="found" class="found">${found}</td><td>${ok ? HELD : BROKEN}</td></tr>`;
  if (ok) return row;
  return html`${row}<tr class="meaning"><td colspan="4">${meaning}</td></tr>`;
}

/** Which stretches the bands of the plots are: on a narrow one their names have no room. */
export function phaseList(phases: Result['phases']): Html {
  const items = phases.map(
    ({ name, fromS, toS }) =>
      html`<li><b>${name}</b> ${clockShown(fromS)}\u2013${clockShown(toS)}</li>\n`,
  );
  return html`${items.length > 0 && html`<ol class="phases" aria-label="Phases">${items}</ol>`}`;
}

/** On request: it may be long. */
export function sayings({ said = [] }: Result): Html {
  return html`${
    said.length > 0 &&
    html`<section aria-labelledby="said"><h2 id="said">What was said</h2>
<details><summary>${said.length} lines</summary><pre class="said">${said.join('\n')}</pre></details></section>`
  }`;
}

export function conditions({ settings, machine }: Result): Html {
  return html`<div class="pair">${named('Settings', settings)}${named('Machine', machine)}</div>`;
}

function named(title: string, values: Readonly<Record<string, string | number>>): Html {
  const rows = Object.entries(values).map(
    ([name, value]) =>
      html`<tr><th scope="row">${name}</th><td>${typeof value === 'number' ? shown(value) : value}</td></tr>\n`,
  );
  const id = title.toLowerCase();
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
<table class="named"><tbody>${rows}</tbody></table></section>`;
}
