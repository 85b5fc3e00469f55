// A result as one page that needs nothing else: no network, no file beside it. What may run in it is named by digest,
// so nothing that a result says could run even if it were not escaped.

import { createHash } from 'node:crypto';
import { loadPageCode } from './code.ts';
import { compare } from './compare.ts';
import { comparison } from './comparison.ts';
import { codeInElement, type Html, html, jsonInScript } from './html.ts';
import type { Result } from './result.ts';
import {
  banner,
  budgetTable,
  cards,
  conditions,
  phaseList,
  sayings,
  verdictOf,
} from './sections.ts';

const digestOf = (code: string) => `'sha256-${createHash('sha256').update(code).digest('base64')}'`;

/** @param before compared to when it is of the same scenario and scale */
export function pageOf(result: Result, before?: Result): string {
  const { styles, scripts } = loadPageCode();
  const policy = [
    "default-src 'none'",
    `style-src ${styles.map(digestOf).join(' ')}`,
    `script-src ${scripts.map(digestOf).join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const compared = before && compare(result, before);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${result.scenario} ${result.scale}: ${verdictOf(result)}</title>
${styles.map((code) => html`<style>${codeInElement(code)}</style>\n`)}</head>
<body>
<main>
${banner(result)}
${cards(result.figures)}
${budgetTable(result.budgets)}
${compared !== undefined && comparison(compared)}
${result.plots.length > 0 && plots(result)}
${sayings(result)}
${conditions(result)}
</main>
<script type="application/json" id="data">${jsonInScript(drawnOf(result))}</script>
${scripts.map((code) => html`<script>${codeInElement(code)}</script>\n`)}</body>
</html>
`.text;
}

const drawnOf = ({ plots, phases, seconds }: Result) => ({ plots, phases, seconds });

/** Their places: the script fills them. */
function plots({ plots, phases }: Result): Html {
  const figures = plots.map(
    ({ title, unit, logarithmic }, i) => html`<figure class="plot">
<figcaption><h3 id="plot-${i}">${title} <span class="unit">${unit}${logarithmic === true && ', logarithmic'}</span></h3>
<span class="at"></span></figcaption>
<div class="drawing"></div><div class="legend" role="group" aria-labelledby="plot-${i}"></div></figure>\n`,
  );
  return html`<section aria-labelledby="plots"><h2 id="plots">Over time</h2>
<p class="note" id="how">Times are minutes and seconds from the beginning. Point at a plot, or go there by Tab and use
the arrow keys, to read values; drag to look closer, double-click or Escape to see all. A name hides and shows its
line.</p>
${phaseList(phases)}
<noscript><p class="warning">The plots need scripts.</p></noscript>
<div class="plots">${figures}</div></section>`;
}
