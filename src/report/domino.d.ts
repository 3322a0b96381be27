// The package's own types declare another module name.
declare module "@mixmark-io/domino" {
  const domino: { createDocument(html: string): Document };
  // biome-ignore lint/style/noDefaultExport: the shape of the package
  export default domino;
}
