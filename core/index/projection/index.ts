/** Principal components: learning them, bringing rows and queries to them. */
export { projectedParams, putProjection } from './projection.js';
export type { Projection } from './projection.js';
export { projectedOutputsMost, trainProjection } from './projection-trainer.js';
export { Projector, layOutProjector } from './projector.js';
export type { ProjectorScratch } from './projector.js';
