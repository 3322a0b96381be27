// The catalogue: problems by name, each with good values, a closed form or data, and its citations.
import type { ProximalFlow } from "../proximal-flow.js";
import { checkerboard } from "./checkerboard.js";
import { circles } from "./circles.js";
import { eightGaussians } from "./eight-gaussians.js";
import { gaussianScale } from "./gaussian-scale.js";
import { gaussianShift } from "./gaussian-shift.js";
import { manifoldTarget } from "./manifold-target.js";
import { oldFaithful } from "./old-faithful.js";
import { pinwheel } from "./pinwheel.js";
import { pointTarget } from "./point-target.js";
import { spirals } from "./spirals.js";
import { swissRoll } from "./swiss-roll.js";
import { twoMoons } from "./two-moons.js";

export * from "./checkerboard.js";
export * from "./circles.js";
export * from "./eight-gaussians.js";
export * from "./gaussian-scale.js";
export * from "./gaussian-shift.js";
export * from "./manifold-target.js";
export * from "./old-faithful.js";
export * from "./ornstein-uhlenbeck.js";
export * from "./pinwheel.js";
export * from "./point-target.js";
export * from "./spirals.js";
export * from "./swiss-roll.js";
export * from "./two-moons.js";
export * from "./wall-drift.js";
export * from "./wall-equilibrium.js";

/** One problem of the catalogue. */
export interface CatalogueEntry {
  readonly title: string;
  /** Keys into docs/references.bib. */
  readonly references: readonly string[];
  /** The problem's own constructor; its overrides are typed there. */
  make(overrides?: object): ProximalFlow;
}

/** Every problem by its name. */
export const catalogue: Readonly<Record<string, CatalogueEntry>> = Object.freeze({
  "gaussian-shift": {
    title: "Gaussian shift: closed form in any dimension (M1)",
    references: ["gu2024proximal", "birrell2022fgamma"],
    make: gaussianShift,
  },
  "gaussian-scale": {
    title: "Gaussian scale: closed form in any dimension (M2)",
    references: ["gu2024proximal"],
    make: gaussianScale,
  },
  "manifold-target": {
    title: "Manifold target: singular, closed form (M3)",
    references: ["gu2024proximal"],
    make: manifoldTarget,
  },
  "point-target": { title: "Point target: singular, closed form", references: ["gu2024proximal"], make: pointTarget },
  "two-moons": { title: "Two moons", references: ["gu2024proximal"], make: twoMoons },
  pinwheel: { title: "Pinwheel", references: ["gu2024proximal"], make: pinwheel },
  "old-faithful": {
    title: "Old Faithful geyser: data with a held-out fifth",
    references: ["azzalini1990look", "gu2024proximal"],
    make: oldFaithful,
  },
  "eight-gaussians": {
    title: "Eight Gaussians on a circle",
    references: ["gu2024proximal", "grathwohl2019ffjord"],
    make: eightGaussians,
  },
  checkerboard: { title: "Checkerboard", references: ["gu2024proximal", "grathwohl2019ffjord"], make: checkerboard },
  "swiss-roll": {
    title: "Swiss roll in the plane",
    references: ["gu2024proximal", "grathwohl2019ffjord"],
    make: swissRoll,
  },
  circles: { title: "Two circles", references: ["gu2024proximal", "grathwohl2019ffjord"], make: circles },
  spirals: { title: "Two spirals", references: ["gu2024proximal", "grathwohl2019ffjord"], make: spirals },
});
