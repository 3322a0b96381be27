// The Hopf–Lax formula, exact solution of −∂ₜU + |∇U|²/(2λ) = 0, U(T) = φ, for the largest L-Lipschitz φ below a potential S:
//   U(t, x) = min_z S(z) + h(|x − z|),   h(r) = kr²/2 if r ≤ L/k, else Lr − L²/2k,   k = λ/(T − t)
//   φ(x) = min_z S(z) + L|x − z|,   ∇U = h′(r)(x − z)/r, hence |∇U| ≤ L whatever S is;   foot x(T) = x − ∇U/k
// (the Huber cost is the quadratic one convolved with the cone; L = ∞ is plain Hopf–Lax of S).
// On nodes: lower envelope of parabolas, one axis after the other, O(N) for any k; the minimum over nodes is exact.
// Between nodes: S is the quadratic spline of node values and the minimum is taken over all z: Newton's method from the feet of the
// surrounding nodes. U, ∇U and the straight paths x + s(x(T) − x) then belong to one potential exactly, whatever the spacing.
// Order 2 in the spacing for U (the spline's); monotone: S₁ ≤ S₂ ⇒ U₁ ≤ U₂.
// Reference: Felzenszwalb, Huttenlocher 2012 (key felzenszwalb2012distance); Evans 2010, §3.3 (key evans2010partial).
import { axis, type Grid, grid } from "../../../src/grid/index.js";
import type { QuadraticSpline } from "./quadratic-spline.js";

/** Minimum over the nodes and the node that attains it. */
export interface NodeMinimum {
  readonly values: Float64Array;
  /** Node index of the smallest minimiser along each axis. */
  readonly foot: Int32Array;
}

/**
 * min over nodes z of φ(z) + k|x − z|²/2 at every node x.
 *
 * @param phi node values, finite
 * @param stiffness k > 0
 * @returns values and feet, length of the grid
 *
 * *References*: felzenszwalb2012distance
 */
export function hopfLaxOnNodes(g: Grid, phi: Float64Array, stiffness: number): NodeMinimum {
  let values = phi.slice();
  let foot = Int32Array.from({ length: g.size }, (_, k) => k);
  const longest = Math.max(...g.shape);
  const vertex = new Int32Array(longest);
  const border = new Float64Array(longest + 1);
  for (let a = g.dimension - 1; a >= 0; a--) {
    const n = g.shape[a];
    const stride = g.strides[a];
    const k = stiffness * g.axes[a].spacing ** 2;
    const nextValues = new Float64Array(g.size);
    const nextFoot = new Int32Array(g.size);
    for (let line = 0; line < g.size / n; line++) {
      const base = Math.floor(line / stride) * stride * n + (line % stride);
      // Parabola q is lowest between border[s] and border[s + 1], q = vertex[s].
      let top = 0;
      vertex[0] = 0;
      border[0] = -Infinity;
      for (let q = 1; q < n; q++) {
        const fq = values[base + q * stride];
        let cross = 0;
        for (; top >= 0; top--) {
          const p = vertex[top];
          cross = (fq - values[base + p * stride]) / (k * (q - p)) + 0.5 * (q + p);
          if (cross > border[top]) break;
        }
        vertex[++top] = q;
        border[top] = cross;
      }
      border[top + 1] = Infinity;
      for (let i = 0, s = 0; i < n; i++) {
        while (border[s + 1] < i) s++;
        const p = base + vertex[s] * stride;
        const at = base + i * stride;
        nextValues[at] = values[p] + 0.5 * k * (i - vertex[s]) ** 2;
        nextFoot[at] = foot[p];
      }
    }
    values = nextValues;
    foot = nextFoot;
  }
  return { values, foot };
}

/** U at one time, everywhere. */
export interface HopfLax {
  /**
   * @param points row-major, length n·d
   * @param value length n, U is written here
   * @param slope length n·d, ∇U is written here; |∇U| ≤ L
   */
  evaluate(points: Float64Array, value: Float64Array, slope: Float64Array): void;
}

const NEWTON_STEPS = 60;

/**
 * U(t, ·) by minimisation over all z.
 *
 * @param potential S
 * @param stiffness k = λ/(T − t) > 0; Infinity for t = T, where U = φ
 * @param lipschitz L > 0; Infinity for none
 *
 * *Notes*: where two minimisers tie the first found is taken; U is continuous there, ∇U is not.
 *
 * *References*: evans2010partial
 */
export function hopfLax(potential: QuadraticSpline, stiffness: number, lipschitz: number): HopfLax {
  const g = potential.grid;
  const d = g.dimension;
  // At t = T the cone is rounded over a length that no value can show.
  const k = Math.min(stiffness, lipschitz < Infinity ? (1e10 * lipschitz) / g.axes[0].spacing : stiffness);
  const knee = lipschitz / k;
  const [h0, h1] = [g.axes[0].spacing, g.axes[d - 1].spacing];
  // A slope that no result can show.
  const flat = 1e-11 * Math.min(k * h0, lipschitz);
  const start = stiffness < Infinity ? startingPoints(potential, k) : null;
  const s = new Float64Array(6);
  const z = new Float64Array(d);
  const probe = new Float64Array(d);
  const gradient = new Float64Array(d);
  const step = new Float64Array(d);
  let [h00, h01, h11] = [0, 0, 0];

  // f(z) = S(z) + h(|x − z|); leaves S and its derivatives in `s`, ∇f in `gradient`, the second derivatives in h00, h01, h11.
  const objective = (x: Float64Array, at: number, y: Float64Array): number => {
    potential.evaluate(y, 0, s);
    const d0 = x[at] - y[0];
    const d1 = d === 1 ? 0 : x[at + 1] - y[1];
    const r = Math.hypot(d0, d1);
    const along = r <= knee ? k : lipschitz / r;
    gradient[0] = s[1] - along * d0;
    // Beyond the knee the cost is a cone: no curvature along the ray.
    const ray = r <= knee ? 0 : along / (r * r);
    h00 = s[1 + d] + along - ray * d0 * d0;
    if (d === 2) {
      gradient[1] = s[2] - along * d1;
      h01 = s[4] - ray * d0 * d1;
      h11 = s[5] + along - ray * d1 * d1;
    }
    return s[0] + (r <= knee ? 0.5 * k * r * r : lipschitz * (r - 0.5 * knee));
  };

  // Minimises f from z; leaves z at the minimiser and S there in `s`.
  const descend = (x: Float64Array, at: number): number => {
    let f = objective(x, at, z);
    let stride = 1;
    for (let iteration = 0; iteration < NEWTON_STEPS; iteration++) {
      const g0 = gradient[0];
      const g1 = d === 1 ? 0 : gradient[1];
      const size = Math.hypot(g0, g1);
      if (size <= flat) break;
      // Where the model has no minimum (along a ray of the cone, or next to a crease) it is lifted until the step is `stride` cells.
      const lowest = d === 1 ? h00 : 0.5 * (h00 + h11) - Math.hypot(0.5 * (h00 - h11), h01);
      const lift = lowest > 1e-6 * k ? 0 : size / (stride * h0) - lowest;
      const [c00, c11] = [h00 + lift, h11 + lift];
      const determinant = c00 * c11 - h01 * h01;
      if (d === 1) step[0] = -g0 / c00;
      else {
        step[0] = (-c11 * g0 + h01 * g1) / determinant;
        step[1] = (h01 * g0 - c00 * g1) / determinant;
      }
      // A step of many cells leaves the basin in which the start is lowest.
      const reach = Math.max(Math.abs(step[0]) / h0, d === 1 ? 0 : Math.abs(step[1]) / h1);
      if (lift === 0 && reach > 2) for (let a = 0; a < d; a++) step[a] *= 2 / reach;
      const slope = step[0] * g0 + (d === 1 ? 0 : step[1] * g1);
      let next = Infinity;
      let length = 1;
      for (; length > 1e-4; length /= 2) {
        for (let a = 0; a < d; a++) probe[a] = z[a] + length * step[a];
        next = objective(x, at, probe);
        if (next <= f + 1e-4 * length * slope) break;
      }
      if (!(next < f)) {
        // No decrease left in float64: z is the minimiser to round-off.
        objective(x, at, z);
        break;
      }
      z.set(probe);
      f = next;
      stride = lift > 0 && length === 1 ? 2 * stride : 1;
    }
    return f;
  };

  // ∇U at x from the minimiser z: ∇S(z) within the knee (exact also where x − z is lost in round-off), else L along the ray.
  const writeSlope = (x: Float64Array, at: number, slope: Float64Array): void => {
    const d0 = x[at] - z[0];
    const d1 = d === 1 ? 0 : x[at + 1] - z[1];
    const r = Math.hypot(d0, d1);
    if (r > knee) {
      slope[at] = (lipschitz * d0) / r;
      if (d === 2) slope[at + 1] = (lipschitz * d1) / r;
      return;
    }
    const size = d === 1 ? Math.abs(s[1]) : Math.hypot(s[1], s[2]);
    const within = size > lipschitz ? lipschitz / size : 1;
    for (let a = 0; a < d; a++) slope[at + a] = within * s[1 + a];
  };

  const seen = new Int32Array(4);
  return {
    evaluate(points, value, slope) {
      for (let i = 0; i < value.length; i++) {
        const at = i * d;
        if (start === null) {
          z.set(points.subarray(at, at + d));
          potential.evaluate(z, 0, s);
          const steep = (d === 1 ? Math.abs(s[1]) : Math.hypot(s[1], s[2])) > lipschitz;
          value[i] = steep ? descend(points, at) : s[0];
          writeSlope(points, at, slope);
          continue;
        }
        value[i] = Infinity;
        let tried = 0;
        for (let corner = 0; corner < 1 << d; corner++) {
          let near = 0;
          for (let a = 0; a < d; a++) {
            const ax = start.lattice.axes[a];
            const low = Math.floor((points[at + a] - ax.nodes[0]) / ax.spacing) + ((corner >> a) & 1);
            near += Math.max(0, Math.min(ax.points - 1, low)) * start.lattice.strides[a];
          }
          const from = start.foot[near];
          let known = false;
          for (let q = 0; q < tried; q++) if (seen[q] === from) known = true;
          if (known) continue;
          seen[tried++] = from;
          nodeAt(start.lattice, from, z);
          const f = descend(points, at);
          if (!(f < value[i])) continue;
          value[i] = f;
          writeSlope(points, at, slope);
        }
        // U ≤ S, also where S has a basin at x that no lattice point shows.
        z.set(points.subarray(at, at + d));
        potential.evaluate(z, 0, s);
        if (s[0] < value[i]) {
          value[i] = descend(points, at);
          writeSlope(points, at, slope);
        }
      }
    },
  };
}

/**
 * For every point x of a lattice twice as fine as the grid, the lattice point z at which S(z) + k|x − z|²/2 is least. On the grid itself S may
 * have two basins between neighbouring nodes.
 */
function startingPoints(potential: QuadraticSpline, k: number): { lattice: Grid; foot: Int32Array } {
  const lattice = grid(
    potential.grid.axes.map(({ lower, upper, points, boundary }) =>
      axis({ lower, upper, points: 2 * points, boundary }),
    ),
  );
  const s = new Float64Array(6);
  const z = new Float64Array(lattice.dimension);
  const values = new Float64Array(lattice.size);
  for (let i = 0; i < lattice.size; i++) {
    nodeAt(lattice, i, z);
    potential.evaluate(z, 0, s);
    values[i] = s[0];
  }
  return { lattice, foot: hopfLaxOnNodes(lattice, values, k).foot };
}

function nodeAt(g: Grid, index: number, out: Float64Array): void {
  for (let a = 0; a < g.dimension; a++) out[a] = g.axes[a].nodes[Math.floor(index / g.strides[a]) % g.shape[a]];
}
