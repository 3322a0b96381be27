// Maximisation of the dual of quadratic transport from atoms μ = Σ mᵢδ_{xᵢ} with a cost E at its end,
//   J(φ) = Σ mᵢφᶜ(xᵢ) − E*(−φ) = min_ρ E(ρ) + k W²(μ, ρ)/2,   ∇J = ρ_φ − T_φ#μ,   ρ_φ = ∂E*(−φ)
//   I(ψ) = Σ mᵢψ(xᵢ) − E*(−ψᶜ),                                ∇I = μ − S_ψ#ρ_{ψᶜ}
// Back and forth: φ ← φ + s P∇J, ψ ← φᶜ, ψ ← ψ + s P∇I, φ ← ψᶜ with P⁻¹ = θ₁(−Δ) + θ₂ (cosines), s by the gain. It crosses large
// distances quickly and slows down near the end. There Newton's method takes over: −J″ = −∇ᵀm(k − D²S)⁻¹∇ + (E*)″ by GMRES with one
// multigrid cycle of −∇·(ρ/k)∇ + (E*)″ as preconditioner, Armijo's rule on J, and Levenberg and Marquardt's damping in the metric P⁻¹, as a
// multiple of the residual: between Newton's step and a short one of the ascent. J is concave; it is smooth where no atom is torn, or where
// torn atoms are spread.
//   gap  E(ρ̂) + k W²/2 − J(φ) = Σ h^d (e(ρ̂) + e*(−φ) + φ ρ̂) ≥ 0 for ρ̂ = T_φ#μ, cut to the densities that E allows; what is cut is reported
// Reference: Jacobs, Léger 2020 (key jacobs2020fast); Jacobs, Lee, Léger 2021 (key jacobs2021back).
import type { Cells } from "../../../src/grid/index.js";
import {
  applyStencil,
  arraySpace,
  gmres,
  type HelmholtzPlan,
  helmholtz,
  multigrid,
  multigridLevels,
  stencil,
} from "../../../src/linalg/index.js";
import type { Atoms, Images, SemiDual, Tear } from "./semi-dual.js";

/** Damping over residual: at first, and where nothing gains any more. */
const FIRST_DAMPING = 0.03;
const MOST_DAMPING = 1e9;
/** Of the curvature of E* where it has none: over the root of the damping. */
const FREE = 100;

/** E through its conjugate, cell by cell. */
export interface EndCost {
  /** E*(−φ); Infinity outside its domain. */
  conjugate(potential: Float64Array): number;
  /** out ← ρ_φ. */
  density(potential: Float64Array, out: Float64Array): void;
  /** out ← slope of −φ ↦ ρ between ρ_φ and `aim`, (e*)″ where they meet. */
  secant(potential: Float64Array, density: Float64Array, aim: Float64Array, out: Float64Array): void;
  /** Σ h^d (e(ρ) + e*(−φ) + φρ) with ρ cut to what E allows, and ∫|ρ − cut|; `null`: not defined. */
  gap(potential: Float64Array, density: Float64Array): { readonly gap: number; readonly cut: number };
  /** Total mass of ρ_φ is fixed: only differences of φ count. */
  readonly rigid: boolean;
}

export interface AscentOptions {
  readonly tolerance: number;
  /** Rounds of back and forth, at most. */
  readonly rounds: number;
  /** They end where the residual is at most this, and Newton's method begins. */
  readonly handover: number;
  /** Newton steps, at most. */
  readonly newtonSteps: number;
  /** Newton's method spreads no atoms (the default), those that are torn, or all. */
  readonly spread?: "none" | "torn" | "all";
  readonly breathe: () => Promise<void>;
  /** Ends the rounds by the dual value reached so far. */
  readonly enough?: (dual: number) => boolean;
}

export interface Ascent {
  readonly potential: Float64Array;
  readonly images: Images;
  /** ρ_φ. */
  readonly density: Float64Array;
  /** T_φ#μ. */
  readonly arrived: Float64Array;
  /** J(φ). */
  readonly dual: number;
  /** ∫|ρ_φ − T_φ#μ| / mass. */
  readonly residual: number;
  readonly gap: number;
  readonly cut: number;
  /** Σ mᵢ|xᵢ − T(xᵢ)|². */
  readonly squaredDistance: number;
  readonly rounds: number;
  readonly newtonSteps: number;
  readonly linearIterations: number;
  readonly transforms: number;
  /** Residual after every round and Newton step. */
  readonly residuals: readonly number[];
}

/** Maximises J; kept between the steps of a flow, one at a time. */
export interface DualAscent {
  readonly plan: SemiDual;
  /** J(φ). */
  dual(atoms: Atoms, cost: EndCost, stiffness: number, potential: Float64Array, tear?: Tear | null): number;
  /**
   * @param atoms μ
   * @param source μ on cells, for the back step; `null`: atoms are off the lattice, forward steps only
   * @param start φ; not changed
   */
  maximise(
    atoms: Atoms,
    source: Float64Array | null,
    cost: EndCost,
    stiffness: number,
    start: Float64Array,
    options: AscentOptions,
  ): Promise<Ascent>;
}

interface Look {
  readonly dual: number;
  readonly residual: number;
}

/** Plans the ascent on cells of a box with walls. */
export function dualAscent(cut: Cells, plan: SemiDual): DualAscent {
  const { grid } = cut;
  const { size, cellVolume, dimension: d } = grid;
  const side = Math.max(...grid.axes.map(({ points, spacing }) => points * spacing));
  const poisson: HelmholtzPlan = helmholtz(grid);
  const matrix = stencil(cut);
  const floor = stencil(cut);
  const inverse = multigrid(matrix, multigridLevels(cut));
  const space = arraySpace(size);
  const workspace: Float64Array[] = [];
  const field = () => new Float64Array(size);
  const [density, arrived, gradient, secant, trial, spare, step] = [
    field(),
    field(),
    field(),
    field(),
    field(),
    field(),
    field(),
  ];
  const centres = plan.centres();
  const centreImages = plan.images(centres);
  const targets = plan.lattice();
  const targetImages = plan.images(targets);
  let sized: Images | null = null;

  const imagesFor = (atoms: Atoms): Images => {
    if (sized?.values.length !== atoms.masses.length) sized = plan.images(atoms);
    return sized as Images;
  };
  /** J; leaves the images. */
  const dual: DualAscent["dual"] = (atoms, cost, k, potential, tear = null) => {
    const images = imagesFor(atoms);
    plan.transform(atoms, potential, k, images, tear);
    let sum = -cost.conjugate(potential);
    for (let i = 0; i < atoms.masses.length; i++) sum += atoms.masses[i] * images.values[i];
    return Number.isFinite(sum) ? sum : -Infinity;
  };

  const maximise: DualAscent["maximise"] = async (atoms, source, cost, k, start, options) => {
    const images = imagesFor(atoms);
    const mass = atoms.masses.reduce((sum, m) => sum + m, 0);
    let transforms = 0;
    let tear: Tear | null = null;
    const residuals: number[] = [];
    let phi = start.slice();

    /** J at a potential; leaves images, ρ_φ, T#μ and the gradient. */
    const look = (potential: Float64Array): Look => {
      const value = dual(atoms, cost, k, potential, tear);
      transforms++;
      cost.density(potential, density);
      plan.deposit(images, atoms.masses, arrived);
      let residual = 0;
      for (let j = 0; j < size; j++) {
        gradient[j] = density[j] - arrived[j];
        residual += Math.abs(gradient[j]);
      }
      return { dual: value, residual: (residual * cellVolume) / mass };
    };

    let now = look(phi);
    residuals.push(now.residual);
    let rounds = 0;
    let stretchForward = 1;
    let stretchBack = 1;
    /** P g; P⁻¹ = θ₁(−Δ) + θ₂ with the largest density and the mean of (E*)″ over the mass. */
    const precondition = (g: Float64Array, of: Float64Array, theta2: number): void => {
      let top = 0;
      let mean = 0;
      for (let j = 0; j < size; j++) {
        top = Math.max(top, of[j]);
        mean += g[j] / size;
      }
      for (let j = 0; j < size; j++) spare[j] = theta2 > 0 ? g[j] : g[j] - mean;
      poisson.solve(spare, theta2, top / k, step);
    };
    const meanSecant = (potential: Float64Array): number => {
      if (cost.rigid) return 0;
      cost.secant(potential, density, density, secant);
      let sum = 0;
      let all = 0;
      for (let j = 0; j < size; j++) {
        sum += density[j] * secant[j];
        all += density[j];
      }
      return sum / all;
    };
    const along = (g: Float64Array): number => {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += g[j] * step[j];
      return sum * cellVolume;
    };
    const best = { phi: phi.slice(), ...now };
    const keep = (): void => {
      if (!(now.dual > best.dual)) return;
      best.phi.set(phi);
      best.dual = now.dual;
      best.residual = now.residual;
    };
    while (source !== null && rounds < options.rounds && now.residual > options.handover) {
      // Forward.
      precondition(gradient, density, meanSecant(phi));
      let promised = along(gradient);
      for (let tries = 0; tries < 20; tries++) {
        for (let j = 0; j < size; j++) trial[j] = phi[j] + stretchForward * step[j];
        const next = look(trial);
        const gain = next.dual - now.dual;
        const share = gain / (stretchForward * promised);
        if (share > 0.75) stretchForward *= 1.5;
        else if (share < 0.25) stretchForward *= 0.5;
        if (share > 0) {
          now = next;
          phi.set(trial);
          keep();
          break;
        }
        if (tries === 19) now = look(phi);
      }
      // Back.
      plan.transform(centres, phi, k, centreImages);
      const psi = centreImages.values.slice();
      const back = (): number => {
        plan.transform(centres, psi, k, centreImages);
        cost.density(centreImages.values, density);
        plan.load(density, targets);
        plan.transform(targets, psi, k, targetImages);
        transforms += 2;
        plan.deposit(targetImages, targets.masses, gradient);
        for (let j = 0; j < size; j++) gradient[j] = source[j] - gradient[j];
        return plan.integral(atoms, psi) - cost.conjugate(centreImages.values);
      };
      let value = back();
      const bend = meanSecant(centreImages.values);
      if (!Number.isFinite(bend)) {
        // Beyond the domain of e* (fast diffusion, α < 1) no density is finite: Newton's method goes on from the best potential.
        phi.set(best.phi);
        now = look(phi);
        break;
      }
      precondition(gradient, source, bend);
      promised = along(gradient);
      const psi0 = psi.slice();
      for (let tries = 0; tries < 20; tries++) {
        for (let j = 0; j < size; j++) psi[j] = psi0[j] + stretchBack * step[j];
        const next = back();
        const share = (next - value) / (stretchBack * promised);
        if (share > 0.75) stretchBack *= 1.5;
        else if (share < 0.25) stretchBack *= 0.5;
        if (share > 0) {
          value = next;
          break;
        }
        psi.set(psi0);
      }
      plan.transform(centres, psi, k, centreImages);
      transforms++;
      phi.set(centreImages.values);
      rounds++;
      now = look(phi);
      keep();
      residuals.push(now.residual);
      await options.breathe();
      if (options.enough?.(best.dual)) break;
    }
    if (rounds > 0 && best.dual > now.dual && best.residual < 2 * now.residual) {
      phi = best.phi.slice();
      now = look(phi);
    }
    let newtonSteps = 0;
    let linearIterations = 0;
    let care = FIRST_DAMPING;
    const { spread = "none" } = options;
    const retear = (): void => {
      if (spread === "none") return;
      tear = plan.tear(atoms, phi, k, spread === "all" ? "all" : tear);
      now = look(phi);
    };
    retear();
    while (newtonSteps < options.newtonSteps && now.residual > options.tolerance) {
      cost.secant(phi, density, arrived, secant);
      let top = 0;
      for (let j = 0; j < size; j++) top = Math.max(top, density[j]);
      // Where there is no mass J does not see φ: a trace of −Δ carries the potential over.
      const damping = care * now.residual;
      const trace = (1e-7 + damping) * top;
      const mean = meanSecant(phi);
      const bend = damping * mean + (1e-9 * top) / (k * side ** 2);
      // E* has no curvature in the vacuum and at the cap, until φ changes enough.
      const free = mean * Math.min(1, FREE * Math.sqrt(damping));
      cost.secant(phi, density, arrived, secant);
      for (let j = 0; j < size; j++) if (secant[j] === 0) secant[j] = free;
      matrix.diagonal.fill(0);
      floor.diagonal.fill(0);
      for (let j = 0; j < 2 * d; j++) {
        const weight = 1 / (k * grid.axes[j >> 1].spacing ** 2);
        const other = cut.neighbour[j];
        for (let i = 0; i < size; i++) {
          const o = other[i];
          if (o === i) {
            matrix.link[j][i] = 0;
            floor.link[j][i] = 0;
            continue;
          }
          const conductance = weight * (0.5 * (Math.max(arrived[i], 0) + Math.max(arrived[o], 0)) + trace);
          matrix.link[j][i] = -conductance;
          matrix.diagonal[i] += conductance;
          floor.link[j][i] = -weight * trace;
          floor.diagonal[i] += weight * trace;
        }
      }
      for (let i = 0; i < size; i++) {
        matrix.diagonal[i] += secant[i] + bend;
        floor.diagonal[i] += secant[i] + bend;
      }
      inverse.update();
      const { solution, iterations } = await gmres<Float64Array>({
        space,
        rhs: gradient,
        apply: (v, out) => {
          plan.curvature(atoms, images, v, out);
          applyStencil(floor, v, spare);
          for (let i = 0; i < size; i++) out[i] += spare[i];
        },
        preconditioner: (v, out) => inverse.cycle(v, out),
        tolerance: Math.min(0.1, Math.max(1e-3, now.residual)),
        maxIterations: 30,
        workspace,
      });
      linearIterations += iterations;
      step.set(solution);
      const promised = along(gradient);
      newtonSteps++;
      const before = now;
      const noise = 2e-14 * Math.abs(before.dual);
      let length = 1;
      for (; length > 0.1; length /= 2) {
        for (let j = 0; j < size; j++) trial[j] = phi[j] + length * step[j];
        now = look(trial);
        if (now.dual >= before.dual + 1e-4 * length * promised - noise) break;
      }
      if (length <= 0.1) {
        now = look(phi);
        if (care > MOST_DAMPING) break;
        care *= 16;
        continue;
      }
      const share = (now.dual - before.dual + noise) / (length * (1 - length / 2) * promised);
      if (length === 1 && share > 0.75) care /= 8;
      else if (length < 1 || share < 0.25) care *= 8;
      phi.set(trial);
      retear();
      residuals.push(now.residual);
      await options.breathe();
    }
    let squaredDistance = 0;
    for (let i = 0; i < atoms.masses.length; i++) {
      squaredDistance += atoms.masses[i] * images.squares[i];
    }
    return {
      potential: phi,
      images,
      density: density.slice(),
      arrived: arrived.slice(),
      dual: now.dual,
      residual: now.residual,
      ...cost.gap(phi, arrived),
      squaredDistance,
      rounds,
      newtonSteps,
      linearIterations,
      transforms,
      residuals,
    };
  };
  return { plan, dual, maximise };
}
