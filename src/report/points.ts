// Points of laws as distances take them.
import type { Domain } from "../grid/index.js";
import { type Cloud, cloud } from "../measure/index.js";

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
