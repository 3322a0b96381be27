// The catalogue: problems by name, each with good values, a closed form or data, and its citations.

import type { Problem } from "../../src/problem.js";
import type { FokkerPlanck } from "../fokker-planck.js";
import type { GradientFlow } from "../gradient-flow.js";
import type { MeanFieldGame } from "../mean-field-game.js";
import type { ProximalFlow } from "../proximal-flow.js";
import type { SavingsGame } from "../savings-game.js";
import { aiyagari } from "./aiyagari.js";
import { barenblatt } from "./barenblatt.js";
import { bimodalTarget } from "./bimodal-target.js";
import { checkerboard } from "./checkerboard.js";
import { circles } from "./circles.js";
import { corridor } from "./corridor.js";
import { doubleWell } from "./double-well.js";
import { eightGaussians } from "./eight-gaussians.js";
import { ergodicTorus } from "./ergodic-torus.js";
import { evacuation } from "./evacuation.js";
import { firstOrderTorus } from "./first-order-torus.js";
import { fourModes } from "./four-modes.js";
import { gaussianBridge } from "./gaussian-bridge.js";
import { gaussianFlow } from "./gaussian-flow.js";
import { gaussianScale } from "./gaussian-scale.js";
import { gaussianShift } from "./gaussian-shift.js";
import { huberFlow } from "./huber-flow.js";
import { huggett } from "./huggett.js";
import { kellerSegel } from "./keller-segel.js";
import { linearQuadraticMean } from "./linear-quadratic-mean.js";
import { logGaussian } from "./log-gaussian.js";
import { manifoldTarget } from "./manifold-target.js";
import { manufacturedTorus } from "./manufactured-torus.js";
import { mergingBumps } from "./merging-bumps.js";
import { obstacleCrowd } from "./obstacle-crowd.js";
import { oldFaithful } from "./old-faithful.js";
import { oldFaithfulFlow } from "./old-faithful-flow.js";
import { ornsteinUhlenbeck } from "./ornstein-uhlenbeck.js";
import { pinwheel } from "./pinwheel.js";
import { pointTarget } from "./point-target.js";
import { porousObstacle } from "./porous-obstacle.js";
import { singularTarget } from "./singular-target.js";
import { spirals } from "./spirals.js";
import { swissRoll } from "./swiss-roll.js";
import { systemicRisk } from "./systemic-risk.js";
import { torusCrowd } from "./torus-crowd.js";
import { twoCrowds } from "./two-crowds.js";
import { twoMoons } from "./two-moons.js";
import { uniformTarget } from "./uniform-target.js";
import { wallDrift } from "./wall-drift.js";
import { wallEquilibrium } from "./wall-equilibrium.js";

export * from "./aiyagari.js";
export * from "./barenblatt.js";
export * from "./bimodal-target.js";
export * from "./checkerboard.js";
export * from "./circles.js";
export * from "./corridor.js";
export * from "./double-well.js";
export * from "./eight-gaussians.js";
export * from "./ergodic-torus.js";
export * from "./evacuation.js";
export * from "./first-order-torus.js";
export * from "./four-modes.js";
export * from "./gaussian-bridge.js";
export * from "./gaussian-flow.js";
export * from "./gaussian-scale.js";
export * from "./gaussian-shift.js";
export * from "./huber-flow.js";
export * from "./huggett.js";
export * from "./keller-segel.js";
export * from "./linear-quadratic-mean.js";
export * from "./log-gaussian.js";
export * from "./manifold-target.js";
export * from "./manufactured-torus.js";
export * from "./merging-bumps.js";
export * from "./obstacle-crowd.js";
export * from "./old-faithful.js";
export * from "./old-faithful-flow.js";
export * from "./ornstein-uhlenbeck.js";
export * from "./pinwheel.js";
export * from "./point-target.js";
export * from "./porous-obstacle.js";
export * from "./singular-target.js";
export * from "./spirals.js";
export * from "./swiss-roll.js";
export * from "./systemic-risk.js";
export * from "./torus-crowd.js";
export * from "./two-crowds.js";
export * from "./two-moons.js";
export * from "./uniform-target.js";
export * from "./wall-drift.js";
export * from "./wall-equilibrium.js";

/** One problem of the catalogue. */
export interface CatalogueEntry<P extends Problem = ProximalFlow> {
  readonly title: string;
  /** Keys into docs/references.bib. */
  readonly references: readonly string[];
  /** The problem's own constructor; its overrides are typed there. */
  make(overrides?: object): P;
}

/** Every proximal flow by its name. */
export const catalogue: Readonly<Record<string, CatalogueEntry>> = Object.freeze({
  "gaussian-shift": {
    title: "Gaussian shift: closed form in any dimension",
    references: ["gu2024proximal", "birrell2022fgamma"],
    make: gaussianShift,
  },
  "gaussian-scale": {
    title: "Gaussian scale: closed form in any dimension",
    references: ["gu2024proximal"],
    make: gaussianScale,
  },
  "manifold-target": {
    title: "Manifold target: singular, closed form",
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

/** Every mean-field game by its name. */
export const games: Readonly<Record<string, CatalogueEntry<MeanFieldGame>>> = Object.freeze({
  "torus-crowd": {
    title: "A crowd on the torus, 1-D to 3-D",
    references: ["achdou2010mean", "achdou2012iterative"],
    make: torusCrowd,
  },
  "ergodic-torus": { title: "Ergodic game on the torus", references: ["achdou2010mean"], make: ergodicTorus },
  "log-gaussian": {
    title: "Gaussian equilibrium with a logarithmic coupling: closed form in any dimension",
    references: ["gomes2016regularity"],
    make: logGaussian,
  },
  "gaussian-bridge": {
    title: "Schrödinger bridge of two Gaussians: closed form in any dimension",
    references: ["janati2020entropic", "leonard2014survey"],
    make: gaussianBridge,
  },
  "linear-quadratic-mean": {
    title: "Linear–quadratic game with attraction to the mean: closed form in any dimension",
    references: ["bensoussan2016linear"],
    make: linearQuadraticMean,
  },
  "first-order-torus": {
    title: "Stationary game on the circle: closed form, or many equilibria",
    references: ["almulla2017two", "gomes2018onedimensional"],
    make: firstOrderTorus,
  },
  "obstacle-crowd": { title: "A crowd around a hill", references: ["ruthotto2020machine"], make: obstacleCrowd },
  corridor: { title: "A crowded corridor with doors", references: ["achdou2018congestion"], make: corridor },
  "manufactured-torus": {
    title: "Manufactured game on the torus, 1-D to 3-D",
    references: ["roache2002code"],
    make: manufacturedTorus,
  },
  "systemic-risk": {
    title: "Systemic risk: banks that lend to each other, closed form",
    references: ["carmona2015systemic"],
    make: systemicRisk,
  },
  "two-crowds": { title: "Two crowds that change places", references: ["achdou2017segregation"], make: twoCrowds },
  evacuation: {
    title: "Evacuation of a room with two doors and a pillar",
    references: ["lachapelle2011crowds", "achdou2018congestion"],
    make: evacuation,
  },
});

/** Every Fokker–Planck problem by its name. */
export const diffusions: Readonly<Record<string, CatalogueEntry<FokkerPlanck>>> = Object.freeze({
  "wall-drift": { title: "Drift against a wall", references: ["risken1996fokker"], make: wallDrift },
  "wall-equilibrium": {
    title: "Equilibrium of a constant drift between walls",
    references: ["scharfetter1969large"],
    make: wallEquilibrium,
  },
  "ornstein-uhlenbeck": {
    title: "Ornstein–Uhlenbeck process: closed form",
    references: ["risken1996fokker"],
    make: ornsteinUhlenbeck,
  },
});

/** Every economy by its name. */
export const economies: Readonly<Record<string, CatalogueEntry<SavingsGame>>> = Object.freeze({
  huggett: {
    title: "Huggett's economy: bonds in zero net supply",
    references: ["huggett1993risk", "achdou2022income"],
    make: huggett,
  },
  aiyagari: {
    title: "Aiyagari's economy: wealth is capital",
    references: ["aiyagari1994uninsured", "achdou2022income"],
    make: aiyagari,
  },
});

/** Every gradient flow by its name. */
export const gradientFlows: Readonly<Record<string, CatalogueEntry<GradientFlow>>> = Object.freeze({
  barenblatt: {
    title: "Barenblatt's solution of porous media and fast diffusion: closed form, 1-D to 3-D",
    references: ["vazquez2007porous"],
    make: barenblatt,
  },
  "gaussian-flow": {
    title: "A Gaussian that flows to a Gaussian: closed form, 1-D to 3-D",
    references: ["risken1996fokker", "jordan1998variational"],
    make: gaussianFlow,
  },
  "double-well": { title: "Escape from a double well", references: ["risken1996fokker"], make: doubleWell },
  "merging-bumps": {
    title: "Two bumps of porous medium that wait and merge",
    references: ["aronson1970regularity", "vazquez2007porous"],
    make: mergingBumps,
  },
  "porous-obstacle": {
    title: "Porous flow round an obstacle",
    references: ["vazquez2007porous"],
    make: porousObstacle,
  },
  "keller-segel": {
    title: "Keller–Segel's chemotaxis below the critical mass",
    references: ["blanchet2006two"],
    make: kellerSegel,
  },
  "huber-flow": {
    title: "Gaussian Huber flow: a rigid translation, closed form, 1-D to 3-D",
    references: ["gu2024lipschitz"],
    make: huberFlow,
  },
  "uniform-target": {
    title: "Lipschitz-regularised porous medium to a uniform target: closed form while the bound is inactive",
    references: ["gu2024lipschitz", "vazquez2007porous"],
    make: uniformTarget,
  },
  "four-modes": {
    title: "Lipschitz-regularised porous medium to four modes in the plane",
    references: ["gu2024lipschitz"],
    make: fourModes,
  },
  "bimodal-target": { title: "Bimodal target on the line", references: ["gu2024lipschitz"], make: bimodalTarget },
  "singular-target": {
    title: "Singular target: circles or a point in the plane",
    references: ["gu2024lipschitz"],
    make: singularTarget,
  },
  "old-faithful-flow": {
    title: "Old Faithful geyser as the target of a flow",
    references: ["azzalini1990look", "gu2024lipschitz"],
    make: oldFaithfulFlow,
  },
});
