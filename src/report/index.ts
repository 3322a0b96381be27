export * from "./citations.js";
export * from "./compare.js";
export { citedKeys, largestDisagreement, renderHtml, type Tally, tally } from "./html.js";
export * from "./write.js";
