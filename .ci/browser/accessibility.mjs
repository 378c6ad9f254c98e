// Checks of legibility and touch targets. Each function returns the problems it finds, or nothing.

const TOUCH_PIXELS = 40;
const CONTRAST = 4.5;

/** Nothing is wider than the screen, and what is to be touched is as big as a fingertip. */
export function fitsAPhone(page) {
  return page.evaluate(([screenWidth, atLeast]) => {
    const wrong = [];
    // A phone zooms out to fit the page: `innerWidth` grows with it.
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > screenWidth) wrong.push(`the page is ${scrollWidth} wide, the screen ${screenWidth}`);
    for (const element of document.querySelectorAll('button, input, select, summary, label:has(input)')) {
      const { width, height } = element.getBoundingClientRect();
      const hidden = width === 0 || element.closest('label') !== null && element.tagName === 'INPUT';
      if (!hidden && (width < atLeast || height < atLeast)) {
        wrong.push(`${element.outerHTML.slice(0, 80)} is ${width} by ${height}`);
      }
    }
    return wrong;
  }, [page.viewportSize().width, TOUCH_PIXELS]);
}

/** Text stands out from what is behind it. What cannot be used may be pale. */
export function contrasts(page) {
  return page.evaluate(atLeast => {
    const numbers = colour => colour.match(/[\d.]+/g).map(Number);
    const opaque = colour => (numbers(colour)[3] ?? 1) === 1;
    function behind(element) {
      if (!element) return 'rgb(255, 255, 255)';
      const colour = getComputedStyle(element).backgroundColor;
      return opaque(colour) ? colour : behind(element.parentElement);
    }
    // https://www.w3.org/TR/WCAG21/#dfn-relative-luminance
    function luminance(colour) {
      const [red, green, blue] = numbers(colour).map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    }
    const wrong = [];
    for (const element of document.querySelectorAll('body *')) {
      const hasText = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
      if (!hasText || element.matches(':disabled') || !element.checkVisibility() || element.closest('script, style, noscript')) continue;
      const { color } = getComputedStyle(element);
      const background = behind(element);
      const [dark, light] = [luminance(color), luminance(background)].sort((one, other) => one - other);
      const contrast = (light + 0.05) / (dark + 0.05);
      if (contrast < atLeast) wrong.push(`${element.outerHTML.slice(0, 80)}: ${color} on ${background} is ${contrast.toFixed(1)}`);
    }
    return wrong;
  }, CONTRAST);
}
