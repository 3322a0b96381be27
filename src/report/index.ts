export * from "./citations.js";
export * from "./compare.js";
export type { TransportLikeProblem } from "./flow-study.js";
export { citedKeys, renderHtml } from "./html.js";
export type {
  Comparison,
  ComparisonRecord,
  Estimate,
  Failure,
  Run,
  RunMeasures,
  RunRecord,
  StudyMeasures,
  StudyRecord,
  UniquenessRecord,
} from "./record.js";
export { largestDisagreement, type Tally, tally } from "./tables.js";
export * from "./write.js";
