// Terms of games: fields, Hamiltonians, couplings.
export * from "./coupling.js";
export * from "./coupling-local.js";
export * from "./field.js";
export * from "./field-text.js";
export * from "./hamiltonian.js";
export * from "./hamiltonian-quadratic.js";
export * from "./law.js";
