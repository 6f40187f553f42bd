/**
 * How the arena of a builder is laid out (index-builder.ts):
 *
 * ```
 * payload: params | codes | terms | graph0 | graphLevels | graphN | projection and projected codes | extra
 *          | search scratch | input | row tables | links | codes of another coding, and its search scratch
 * ```
 */
import { alignUp } from '../base/bytes.js';
import { PAYLOAD_OFFSET } from '../kernel/index.js';
import type { KernelThreads } from '../kernel/index.js';
import { layOutRowTables } from './codes/index.js';
import type { RowTablePlace } from './codes/index.js';
import { linkerBytes, linkerScratchBytes, upperListsMost } from './graph/index.js';
import { layOutScratch, type ScratchLayout } from './index-memory.js';
import { Layout, SECTION_ALIGNMENT, codeSizes, sectionBytes } from './layout/index.js';
import type { Coding, IndexSectionKind, IndexShape, ScratchBlock, SectionSizes } from './layout/index.js';
import type { Projection } from './projection/index.js';
import { layOutCoder, plannedCoding } from './row-coders.js';
import type { CodePlan, PlannedCoder } from './row-coders.js';

const INPUT_BYTES = 262_144;

export interface GraphOptions {
  readonly m: number;
  readonly efConstruction: number;
  readonly seed: number;
}

export interface BuilderSize {
  readonly shape: IndexShape;
  /** Undefined: a flat index. */
  readonly graph: GraphOptions | undefined;
  /** What the graph is walked on. Absent: all dimensions. */
  readonly projection?: Projection | undefined;
  /** What searches are to compare. Absent: sq8 codes. */
  readonly code?: CodePlan | undefined;
  /** Bytes of the resident region that others will add. */
  readonly extraResidentBytes: number;
  /** That link rows beside the caller's own. The graph is the same with any number of them. */
  readonly threads?: KernelThreads | undefined;
}

export interface BuilderLayout {
  readonly params: number;
  readonly codes: number;
  readonly terms: number;
  readonly graph0: number;
  readonly levels: number;
  readonly graphN: number;
  readonly upperLists: number;
  readonly projected: ProjectedLayout | undefined;
  readonly scratch: ScratchLayout;
  readonly scratchBlock: ScratchBlock;
  /** Of the same for each other thread. */
  readonly forks: number;
  readonly input: number;
  readonly inputBytes: number;
  readonly rowTables: RowTablePlace;
  readonly links0: number;
  readonly linksN: number;
  readonly coder: PlannedCoder | undefined;
  readonly end: number;
}

interface ProjectedLayout {
  readonly projection: number;
  readonly params: number;
  readonly codes: number;
  readonly terms: number;
  readonly rowTables: RowTablePlace;
}

const SQ8: Coding = { kind: 'sq8' };

function sizesOf({ shape, graph, projection }: BuilderSize, coding: Coding): SectionSizes {
  const { dimension } = shape;
  const code = codeSizes(coding, shape);
  return { dimension, code, m: graph?.m ?? 0, outputs: projection?.outputs ?? 0 };
}

/** Of the sections as they are stored. */
export function storedSizes(size: BuilderSize): SectionSizes {
  return sizesOf(size, size.code === undefined ? SQ8 : plannedCoding(size.code));
}

export function layOutBuilder(size: BuilderSize): BuilderLayout {
  const { shape, graph, code, extraResidentBytes, threads } = size;
  const { rows, dimension } = shape;
  const sizes = sizesOf(size, SQ8);
  const { m, outputs } = sizes;
  const upperLists = graph === undefined ? 0 : upperListsMost(rows, m);
  const layout = new Layout(PAYLOAD_OFFSET);
  const section = (kind: IndexSectionKind, count: number): number =>
    layout.take(sectionBytes(kind, count, sizes));
  const graphRows = graph === undefined ? 0 : rows;
  const resident = {
    params: section('params', dimension),
    codes: section('codes', rows),
    terms: section('terms', rows),
    graph0: section('graph0', graphRows),
    levels: section('graphLevels', Math.min(rows, upperLists)),
    graphN: section('graphN', upperLists),
  };
  const projected =
    outputs === 0
      ? undefined
      : {
          projection: section('projection', outputs),
          params: section('projectedParams', outputs),
          codes: section('projectedCodes', rows),
          terms: section('projectedTerms', rows),
          rowTables: layOutRowTables(layout, outputs),
        };
  layout.take(alignUp(extraResidentBytes, SECTION_ALIGNMENT));
  const others = threads?.count ?? 0;
  const linkedBytes =
    alignUp(linkerBytes(m), SECTION_ALIGNMENT) + (others + 1) * linkerScratchBytes(dimension);
  const inputBytes = Math.max(INPUT_BYTES, (dimension + 1) * 4, linkedBytes);
  const at = layout.end;
  const scratch = layOutScratch(layout, shape, {
    ...{ coding: SQ8, leaves: 0 },
    efBuild: graph?.efConstruction ?? 0,
    outputs,
  });
  const scratchBlock = { at, bytes: layout.end - at };
  return {
    ...resident,
    upperLists,
    projected,
    scratch,
    scratchBlock,
    forks: layout.take(others * scratchBlock.bytes),
    input: layout.take(inputBytes),
    inputBytes,
    rowTables: layOutRowTables(layout, dimension),
    links0: layout.take(graphRows * m * 8),
    linksN: layout.take(upperLists * m * 4),
    coder: code === undefined ? undefined : layOutCoder(layout, shape, code),
    end: layout.end,
  };
}
