// What can be solved: the problem families, the catalogue, and problem files.
export * from "./catalogue/index.js";
export * from "./fokker-planck.js";
export * from "./fokker-planck-file.js";
export * from "./game-file.js";
export * from "./gradient-flow.js";
export * from "./gradient-flow-file.js";
export * from "./mean-field-game.js";
export * from "./problem-file.js";
export * from "./proximal-flow.js";
export * from "./random-game.js";
export * from "./random-gradient-flow.js";
export * from "./read-problem.js";
export * from "./samples.js";
export * from "./savings-game.js";
export * from "./terms/index.js";
