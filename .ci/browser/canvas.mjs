// Reads the pixels of the canvas of a page.
import { soon } from './eventually.mjs';

/** What the canvas shows, as the address of a picture. */
export function picture(page) {
  return page.locator('canvas').evaluate(canvas => canvas.toDataURL());
}

/**
 * Where two pictures differ: `share` is which part of their pixels, `at` the middle of those, as fractions of width and
 * height. Pictures of different sizes are compared at the size of the first.
 */
export async function difference(page, one, other) {
  // Most of the time, and without decoding millions of pixels.
  if (one === other) return { share: 0 };
  return page.evaluate(async ([one, other]) => {
    // Antialiasing differs between machines.
    const TOLERANCE = 32;
    const images = await Promise.all([one, other].map(async address => {
      const image = new Image();
      image.src = address;
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
      for (let part = index; part < index + 4; part += 1) distance = Math.max(distance, Math.abs(first[part] - second[part]));
      if (distance <= TOLERANCE) continue;
      different += 1;
      sum.x += (index / 4) % width;
      sum.y += Math.floor(index / 4 / width);
    }
    const at = different > 0 ? { x: sum.x / different / width, y: sum.y / different / height } : undefined;
    return { share: different / (width * height), at };
  }, [one, other]);
}

/** Waits until the canvas differs from a picture in the way that is expected. */
export function differs(what, page, from, expected) {
  return soon(what, async () => difference(page, from, await picture(page)), expected);
}

/** Waits until two windows show the same. */
export function alike(what, one, other) {
  return soon(what, async () => difference(other, await picture(one), await picture(other)), isSame);
}

/** It is the same picture, but for what one does not see. */
export const isSame = ({ share }) => share < 0.0001;
export const isOther = ({ share }) => share >= 0.001;
/** The one thing that differs is here. */
export const isAt = ({ x, y }, tolerance) => ({ at }) =>
  at !== undefined && Math.abs(at.x - x) < tolerance && Math.abs(at.y - y) < tolerance;

/** The colour at this part of the canvas, as CSS has it. */
export function colourAt(page, part) {
  return page.locator('canvas').evaluate((canvas, { x, y }) => {
    const pixel = canvas.getContext('2d').getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1);
    const [red, green, blue, alpha] = pixel.data;
    return alpha === 255 ? `rgb(${red}, ${green}, ${blue})` : `rgba(${red}, ${green}, ${blue}, ${alpha / 255})`;
  }, part);
}

/** The place on the screen that is this part of the canvas. */
export async function place(page, { x, y }) {
  const box = await page.locator('canvas').boundingBox();
  return { x: box.x + x * box.width, y: box.y + y * box.height };
}
