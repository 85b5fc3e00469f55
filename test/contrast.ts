/** To be evaluated in a page: its texts on a plain ground whose contrast is below AA (WCAG), each with its ratio. */
export const CONTRAST_PROBLEMS = `(() => {
  const parts = (css) => (css.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (css) => {
    const [r, g, b] = parts(css).map((value) => {
      const c = value / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.nodeValue.trim());
    if (!own || !node.offsetParent || node.closest('.spoken')) continue;
    let ground = node;
    while (ground && (parts(getComputedStyle(ground).backgroundColor)[3] ?? 1) === 0)
      ground = ground.parentElement;
    const style = ground && getComputedStyle(ground);
    if (!style || style.backgroundImage !== 'none') continue;
    const [a, b] = [light(getComputedStyle(node).color), light(style.backgroundColor)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(node.textContent + ' ' + ratio.toFixed(2));
  }
  return found;
})()`;
