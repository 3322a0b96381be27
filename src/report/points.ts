// Points of laws and paths as distances take them.
import type { Domain } from "../grid/index.js";
import { type Cloud, cloud } from "../measure/index.js";
import type { Trajectories } from "../solution/index.js";

/** Points with every periodic axis wound on a circle of its length, so that the seam is no distance. */
export function wound(domain: Domain, law: Cloud): Cloud {
  const { ends, lower, upper } = domain;
  const d = law.dimension;
  const around = ends.map((e) => e === "periodic");
  if (!around.includes(true)) return law;
  const width = d + around.filter(Boolean).length;
  const out = new Float64Array(law.count * width);
  for (let i = 0; i < law.count; i++) {
    let to = i * width;
    for (let a = 0; a < d; a++) {
      const v = law.points[i * d + a];
      if (!around[a]) out[to++] = v;
      else {
        const radius = (upper[a] - lower[a]) / (2 * Math.PI);
        out[to++] = radius * Math.cos((v - lower[a]) / radius);
        out[to++] = radius * Math.sin((v - lower[a]) / radius);
      }
    }
  }
  return cloud(out, width, law.weights);
}

/** Positions of paths at a share of their time; none of no paths. */
export function positionsAt(paths: Trajectories | null, share: number): Float64Array {
  if (paths === null) return new Float64Array(0);
  const size = paths.count * paths.dimension;
  const n = Math.round(share * (paths.times.length - 1));
  return paths.positions.slice(n * size, (n + 1) * size);
}
