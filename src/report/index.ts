export * from "./citations.js";
export * from "./compare.js";
export type { TransportLikeProblem } from "./flow-study.js";
export { citedKeys, renderHtml } from "./html.js";
export type {
  Comparison,
  ComparisonRecord,
  Estimate,
  Failure,
  Floor,
  Run,
  RunMeasures,
  RunRecord,
  StudyMeasures,
  StudyRecord,
  UniquenessRecord,
} from "./record.js";
export { energyDisagreement, floorOfDisagreement, largestDisagreement, type Tally, tally } from "./tables.js";
export * from "./write.js";
