import { describe, expect, test } from "vitest";
import { type Bounds, bounds, compile } from "../../src/expression/index.js";
import { generator } from "../../src/random/index.js";

const of = (text: string, box: Readonly<Record<string, Bounds>>) => bounds(compile(text, ["x", "y"]).tree, box);

const formulas = [
  "x + y*x - 3",
  "x*y - y/(2 + x^2)",
  "x^3 - x^2 + y^4",
  "-x^(-2) + y^(-3)",
  "exp(-x)*y + sinh(y) - tanh(x)",
  "log(3 + x)*sqrt(4 + y)",
  "sin(x)*cos(y) + erf(x) - atan(y)",
  "abs(x - y) + cosh(x) + min(x, y) - max(x, 0)",
  "sign(x)*heaviside(y) + x",
  "(3 + x)^y + (3 + y)^0.5",
  "1/(x - y) + tan(x)",
];

describe("every value on the box lies within the bounds", () => {
  const draw = generator(3).uniform(40 * 4 + 40 * 60);
  test.each(formulas)("%s", (text) => {
    const f = compile(text, ["x", "y"]);
    let at = 0;
    let finite = 0;
    for (let i = 0; i < 40; i++) {
      const side = (): Bounds => {
        const [a, b] = [4 * draw[at++] - 2, 4 * draw[at++] - 2];
        return a < b ? [a, b] : [b, a];
      };
      const [x, y] = [side(), side()];
      const [low, high] = of(text, { x, y });
      if (Number.isFinite(low)) finite++;
      for (let j = 0; j < 30; j++) {
        const value = f.evaluate(x[0] + draw[at++] * (x[1] - x[0]), y[0] + draw[at++] * (y[1] - y[0]));
        const slack = 1e-12 * Math.abs(value);
        expect(value).toBeGreaterThanOrEqual(low - slack);
        expect(value).toBeLessThanOrEqual(high + slack);
      }
    }
    // not by saying nothing
    if (!text.includes("tan(x)") || text.includes("tanh")) expect(finite).toBeGreaterThan(0);
  });
});

test("exact where a variable occurs once", () => {
  expect(of("2*x^2 + y", { x: [-1, 2], y: [0, 1] })).toEqual([0, 9]);
  expect(of("exp(-x)", { x: [0, Infinity] })).toEqual([0, 1]);
  expect(of("1/(1 + x)^2", { x: [0, Infinity] })).toEqual([0, 1]);
  expect(of("1/x", { x: [0, 2] })).toEqual([0.5, Infinity]);
  expect(of("x^(-2)", { x: [0, 2] })).toEqual([0.25, Infinity]);
  expect(of("sqrt(x)*log(y)", { x: [4, 9], y: [1, 1] })).toEqual([0, 0]);
  expect(of("pi*x", { x: [1, 1] })).toEqual([Math.PI, Math.PI]);
});

test("what is not known is unbounded", () => {
  expect(of("x + y", { x: [0, 1] })).toEqual([-Infinity, Infinity]);
  expect(of("log(x)", { x: [-1, 1] })).toEqual([-Infinity, Infinity]);
  expect(of("sqrt(x)", { x: [-1, 1] })).toEqual([-Infinity, Infinity]);
  expect(of("1/x", { x: [-1, 1] })).toEqual([-Infinity, Infinity]);
  expect(of("x^0.5", { x: [-1, 1] })).toEqual([-Infinity, Infinity]);
  expect(of("x - x", { x: [0, Infinity] })).toEqual([-Infinity, Infinity]);
});
