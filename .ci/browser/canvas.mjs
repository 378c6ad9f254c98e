// Reads and compares the pixels of a page's canvas.
import { eventually } from './eventually.mjs';

/** Returns the content of the canvas as a data URL. */
export function snapshot(page) {
  return page.locator('canvas').evaluate(canvas => canvas.toDataURL());
}

/**
 * Compares two snapshots. `share` is the fraction of pixels that differ, `at` their centroid in fractions of width and
 * height. Snapshots of different sizes are compared at the size of the first.
 */
export async function difference(page, one, other) {
  // The common case: skips decoding millions of pixels.
  if (one === other) return { share: 0 };
  return page.evaluate(async ([one, other]) => {
    // Antialiasing differs between machines.
    const TOLERANCE = 32;
    const images = await Promise.all([one, other].map(async url => {
      const image = new Image();
      image.src = url;
      await image.decode();
      return image;
    }));
    const { width, height } = images[0];
    const [first, second] = images.map(image => {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d', { willReadFrequently: true });
      context.drawImage(image, 0, 0, width, height);
      return context.getImageData(0, 0, width, height).data;
    });
    let different = 0;
    const sum = { x: 0, y: 0 };
    for (let index = 0; index < first.length; index += 4) {
      let distance = 0;
      for (let channel = index; channel < index + 4; channel += 1) distance = Math.max(distance, Math.abs(first[channel] - second[channel]));
      if (distance <= TOLERANCE) continue;
      different += 1;
      sum.x += (index / 4) % width;
      sum.y += Math.floor(index / 4 / width);
    }
    const at = different > 0 ? { x: sum.x / different / width, y: sum.y / different / height } : undefined;
    return { share: different / (width * height), at };
  }, [one, other]);
}

/** Waits until the difference between the canvas and a snapshot is as expected. */
export function expectCanvas(what, page, base, expected) {
  return eventually(what, async () => difference(page, base, await snapshot(page)), expected);
}

/** Waits until the canvases of two windows are the same. */
export function expectSameCanvas(what, one, other) {
  return eventually(what, async () => difference(other, await snapshot(one), await snapshot(other)), isSame);
}

/** Matches snapshots without a visible difference. */
export const isSame = ({ share }) => share < 0.0001;
/** Matches snapshots with a visible difference. */
export const isDifferent = ({ share }) => share >= 0.001;
/** Matches a difference whose center is near a point, in fractions of width and height. */
export const differsAt = ({ x, y }, tolerance) => ({ at }) =>
  at !== undefined && Math.abs(at.x - x) < tolerance && Math.abs(at.y - y) < tolerance;

/** Returns the CSS color of the pixel at a point of the canvas, in fractions of width and height. */
export function colorAt(page, point) {
  return page.locator('canvas').evaluate((canvas, { x, y }) => {
    const pixel = canvas.getContext('2d').getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1);
    const [red, green, blue, alpha] = pixel.data;
    return alpha === 255 ? `rgb(${red}, ${green}, ${blue})` : `rgba(${red}, ${green}, ${blue}, ${alpha / 255})`;
  }, point);
}

/** Converts a point of the canvas, in fractions of width and height, to window coordinates. */
export async function toWindow(page, { x, y }) {
  const box = await page.locator('canvas').boundingBox();
  return { x: box.x + x * box.width, y: box.y + y * box.height };
}
