/**
 * Checks a graph that came from outside before anything follows it: a false id would read or write beside the arrays.
 * Each check returns the index of the first wrong word, or -1.
 */

/** Level 0: `rows` lists of a count <= room and as many ids < rows. */
export function checkGraph(graph: usize, rows: u32, room: u32): i32 {
  const stride = (<usize>room + 1) << 2;
  let list = graph;
  for (let row: u32 = 0; row < rows; row++, list += stride) {
    const count = load<u32>(list);
    if (count > room) return <i32>((list - graph) >> 2);
    for (let at = list + 4, end = at + (<usize>count << 2); at < end; at += 4) {
      if (load<u32>(at) >= rows) return <i32>((at - graph) >> 2);
    }
  }
  return -1;
}

/** Levels: pairs (row, first list), rows ascending and < rows, each node with 1..`most` lists, all lists used. */
export function checkLevels(levels: usize, nodes: u32, rows: u32, lists: u32, most: u32): i32 {
  if (load<u32>(levels, 4) != 0) return 1;
  for (let node: u32 = 0; node < nodes; node++) {
    const at = levels + (<usize>node << 3);
    const row = load<u32>(at);
    if (row >= rows || (node > 0 && row <= load<u32>(at - 8))) return <i32>(node << 1);
    const first = load<u32>(at, 4);
    const next = load<u32>(at, 12);
    if (next <= first || next - first > most) return <i32>((node << 1) + 3);
  }
  return load<u32>(levels + (<usize>nodes << 3), 4) == lists ? -1 : <i32>((nodes << 1) + 1);
}

/** Upper lists: counts <= room, ids < nodes, and each neighbour reaches up to the level of the list. */
export function checkUpper(upper: usize, levels: usize, nodes: u32, room: u32): i32 {
  const stride = (<usize>room + 1) << 2;
  for (let node: u32 = 0; node < nodes; node++) {
    const pair = levels + (<usize>node << 3);
    const first = load<u32>(pair, 4);
    const height = load<u32>(pair, 12) - first;
    for (let level: u32 = 1; level <= height; level++) {
      const list = upper + <usize>(first + level - 1) * stride;
      const count = load<u32>(list);
      if (count > room) return <i32>((list - upper) >> 2);
      for (let at = list + 4, end = at + (<usize>count << 2); at < end; at += 4) {
        const other = load<u32>(at);
        if (other >= nodes) return <i32>((at - upper) >> 2);
        const otherPair = levels + (<usize>other << 3);
        if (load<u32>(otherPair, 12) - load<u32>(otherPair, 4) < level) return <i32>((at - upper) >> 2);
      }
    }
  }
  return -1;
}
