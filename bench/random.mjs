/** Numbers that look random and are the same for the same seed: mulberry32, and normal ones made of these. */

/**
 * @param {number} seed
 * @returns {() => number} in [0, 1)
 */
export function randomFrom(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Fills `target` with normal numbers of deviation 1, two at a time (Box and Muller). @param {Float32Array} target @param {() => number} random */
export function fillNormal(target, random) {
  for (let at = 0; at < target.length; at += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    target[at] = radius * Math.cos(angle);
    if (at + 1 < target.length) target[at + 1] = radius * Math.sin(angle);
  }
}
