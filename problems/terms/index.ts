// Terms of games: fields, Hamiltonians, couplings.
export * from "./coupling.js";
export * from "./coupling-capacity.js";
export * from "./coupling-field.js";
export * from "./coupling-local.js";
export * from "./coupling-log.js";
export * from "./coupling-mean.js";
export * from "./coupling-nonlocal.js";
export * from "./coupling-sum.js";
export * from "./energy.js";
export * from "./field.js";
export * from "./field-text.js";
export * from "./hamiltonian.js";
export * from "./hamiltonian-quadratic.js";
export * from "./law.js";
