// Grid solvers: what is solved on the nodes of a uniform grid.
export * from "./cell-interpolation.js";
export * from "./drift-operator.js";
export * from "./equilibrium-paths.js";
export * from "./flux.js";
export * from "./flux-central.js";
export * from "./flux-scharfetter-gummel.js";
export * from "./flux-upwind.js";
export * from "./fokker-planck.js";
export * from "./game-solution.js";
export * from "./game-sweeps.js";
export * from "./hopf-lax.js";
export * from "./lipschitz-envelope.js";
export * from "./numerical-hamiltonian.js";
export * from "./proximal-flow.js";
export * from "./quadratic-spline.js";
export * from "./sweep-preconditioner.js";
