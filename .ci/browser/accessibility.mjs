// Checks contrast, page width and touch targets. Each function returns a list of problems, empty if there are none.

const MIN_TOUCH_PIXELS = 40;
const MIN_CONTRAST = 4.5;

/** Finds content wider than the screen, and controls too small to touch. */
export function findMobileProblems(page) {
  return page.evaluate(([screenWidth, minimum]) => {
    const problems = [];
    // A phone zooms out to fit the page: `innerWidth` grows with it.
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > screenWidth) problems.push(`the page is ${scrollWidth} wide, the screen ${screenWidth}`);
    for (const element of document.querySelectorAll('button, input, select, summary, label:has(input)')) {
      const { width, height } = element.getBoundingClientRect();
      const hidden = width === 0 || element.closest('label') !== null && element.tagName === 'INPUT';
      if (!hidden && (width < minimum || height < minimum)) {
        problems.push(`${element.outerHTML.slice(0, 80)} is ${width} by ${height}`);
      }
    }
    return problems;
  }, [page.viewportSize().width, MIN_TOUCH_PIXELS]);
}

/** Finds text with too little contrast to its background. Disabled controls are exempt. */
export function findLowContrast(page) {
  return page.evaluate(minimum => {
    const numbers = color => color.match(/[\d.]+/g).map(Number);
    const opaque = color => (numbers(color)[3] ?? 1) === 1;
    function backgroundOf(element) {
      if (!element) return 'rgb(255, 255, 255)';
      const color = getComputedStyle(element).backgroundColor;
      return opaque(color) ? color : backgroundOf(element.parentElement);
    }
    // https://www.w3.org/TR/WCAG21/#dfn-relative-luminance
    function luminance(color) {
      const [red, green, blue] = numbers(color).map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    }
    const problems = [];
    for (const element of document.querySelectorAll('body *')) {
      const hasText = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
      if (!hasText || element.matches(':disabled') || !element.checkVisibility() || element.closest('script, style, noscript')) continue;
      const { color } = getComputedStyle(element);
      const background = backgroundOf(element);
      const [dark, light] = [luminance(color), luminance(background)].sort((one, other) => one - other);
      const contrast = (light + 0.05) / (dark + 0.05);
      if (contrast < minimum) problems.push(`${element.outerHTML.slice(0, 80)}: ${color} on ${background} is ${contrast.toFixed(1)}`);
    }
    return problems;
  }, MIN_CONTRAST);
}
